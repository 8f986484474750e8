//! Requests that were answered before they are sent, and copies whose answers nobody waits for.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Tasks that can be waited for; how many there are is bounded by whoever starts them.
#[derive(Debug)]
pub(super) struct Background(Mutex<State>);

#[derive(Debug)]
struct State {
    tasks: JoinSet<()>,
    /// Every task of the present has one of these; they end when all of them are gone.
    present: (Sender<Infallible>, Receiver<Infallible>),
    /// What was present at earlier calls that did not wait to the end.
    past: Vec<Receiver<Infallible>>,
}

impl Default for Background {
    fn default() -> Self {
        Self(Mutex::new(State {
            tasks: JoinSet::new(),
            present: mpsc::channel(1),
            past: Vec::new(),
        }))
    }
}

impl Background {
    /// Starts a task.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.lock();
        // What has ended is only memory.
        while state.tasks.try_join_next().is_some() {}
        let present = state.present.0.clone();
        state.tasks.spawn(async move {
            let _present = present;
            task.await;
        });
    }

    /// Waits for all tasks that were started before, or until the deadline.
    pub(super) async fn settle(&self, deadline: Instant) {
        let mut waited_for = {
            let mut state = self.lock();
            let (_, ends) = std::mem::replace(&mut state.present, mpsc::channel(1));
            state.past.push(ends);
            std::mem::take(&mut state.past)
        };
        let all = async {
            while let Some(ends) = waited_for.last_mut() {
                // Nobody ever sends: this is the end of the last task.
                let _end: Option<Infallible> = ends.recv().await;
                waited_for.pop();
            }
        };
        if timeout_at(deadline, all).await.is_err() {
            self.lock().past.append(&mut waited_for);
        }
    }

    /// Waits until the deadline, and cuts what has not ended then.
    pub(super) async fn stop(&self, deadline: Instant) {
        self.settle(deadline).await;
        let mut tasks = std::mem::take(&mut self.lock().tasks);
        tasks.shutdown().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn only_what_came_before_is_waited_for() {
        let background = Background::default();
        background.spawn(sleep(3 * SECOND));
        let from = Instant::now();
        let settled = async {
            background.settle(from + 60 * SECOND).await;
            from.elapsed()
        };
        let late = async { background.spawn(sleep(30 * SECOND)) };
        let (elapsed, ()) = tokio::join!(settled, late);
        assert_eq!(elapsed, 3 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_deadline_left_is_waited_for_again() {
        let background = Background::default();
        background.spawn(sleep(3 * SECOND));
        let from = Instant::now();
        background.settle(from + SECOND).await;
        assert_eq!(from.elapsed(), SECOND);
        background.settle(from + 60 * SECOND).await;
        assert_eq!(from.elapsed(), 3 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_not_ended_at_the_stop_is_cut() {
        let background = Background::default();
        let held = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&held).try_acquire_owned().unwrap();
        background.spawn(async move {
            let _permit = permit;
            std::future::pending().await
        });
        let from = Instant::now();
        background.stop(from + SECOND).await;
        assert_eq!(from.elapsed(), SECOND);
        assert_eq!(held.available_permits(), 1);
    }
}
