//! Makes a watched task panic on request, for tests of what a host sees of that. Never in a released library.

use std::sync::Mutex;

use tokio::sync::Notify;

/// The pipeline and the name of the task that is to panic.
static DOOMED: Mutex<Option<(&'static str, &'static str)>> = Mutex::new(None);
static ASKED: Notify = Notify::const_new();

/// Makes the task of this pipeline with this name panic, in every agent of the process.
pub fn panic_in(pipeline: &'static str, name: &'static str) {
    if let Ok(mut doomed) = DOOMED.lock() {
        *doomed = Some((pipeline, name));
    }
    ASKED.notify_waiters();
}

pub(super) async fn over<F: Future>(of: (&'static str, &'static str), task: F) -> F::Output {
    tokio::select! {
        biased;
        () = doom(of) => panic!("the task {} of {} panics as asked", of.1, of.0),
        output = task => output,
    }
}

async fn doom(of: (&'static str, &'static str)) {
    loop {
        let asked = ASKED.notified();
        if DOOMED.lock().is_ok_and(|doomed| *doomed == Some(of)) {
            return;
        }
        asked.await;
    }
}
