//! When chunks that are held are shown again: now and then, for a flush, and at the end.
//!
//! One at a time does so, off the threads that others wait for, and to the end even if whoever asked is gone.

use std::time::Duration;

use datadog_agent_runtime::drain::Drain;
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::Receiver;
use crate::processor::{Memory, Which};

/// The pause between two looks at what is held: short beside the time after which traces are sent.
const EVERY: Duration = Duration::from_millis(500);

impl Receiver {
    /// Lets chunks go when it is time, until the signal to stop.
    pub(crate) async fn revisit_until(&self, drain: &Drain) {
        let stop = drain.signalled();
        tokio::pin!(stop);
        loop {
            let due = async {
                self.0.processor.held_some().await;
                sleep(EVERY).await;
            };
            tokio::select! {
                biased;
                _ = &mut stop => return,
                () = due => self.let_go(Which::Ready).await,
            }
        }
    }

    /// Lets chunks go; returns when they are handed on.
    pub(crate) async fn let_go(&self, which: Which) {
        if which != Which::Last && !self.0.processor.holds() && self.0.revisiting.try_lock().is_ok()
        {
            return;
        }
        let receiver = self.clone();
        let revisit = async move {
            let _one = receiver.0.revisiting.lock().await;
            let at_work = receiver.clone();
            let work = move || at_work.revisit(which);
            tokio::task::spawn_blocking(work).await
        };
        // A panic is told of by its thread.
        drop(tokio::spawn(revisit).await);
    }

    fn revisit(&self, which: Which) {
        let mut memory = Memory {
            of_all: &self.0.memory,
            of_body: None,
            patience: Some(self.0.limits.decoder_timeout),
        };
        let mut out = |message| Handle::current().block_on(self.queue(message));
        self.0.processor.revisit(which, &mut memory, &mut out);
    }
}
