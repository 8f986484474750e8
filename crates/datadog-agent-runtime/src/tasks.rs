//! The tasks of a pipeline: cut when their owner is gone, and noticed when they end although nobody asked them to.

#[cfg(feature = "test-hooks")]
pub mod hooks;
#[cfg(not(feature = "test-hooks"))]
#[path = "tasks/no_hooks.rs"]
mod hooks;

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, warn};

use crate::drain::Drain;

/// Tells of a task that a pipeline cannot do without and that ended before the signal to stop; cheap to clone.
#[derive(Debug, Clone)]
pub struct Failure(watch::Receiver<Option<&'static str>>);

impl Failure {
    /// Waits for it, and names the task; for ever if all ends as it should.
    pub async fn seen(mut self) -> &'static str {
        match self.0.wait_for(Option::is_some).await.map(|name| *name) {
            Ok(Some(name)) => name,
            _ => std::future::pending().await,
        }
    }
}

/// Watches the tasks of one pipeline.
#[derive(Debug, Clone)]
pub struct Watch {
    pipeline: &'static str,
    drain: Drain,
    failed: Arc<watch::Sender<Option<&'static str>>>,
}

impl Watch {
    /// Watches until `drain` is signalled; `pipeline` is the name of what the tasks are of, for the log.
    #[must_use]
    pub fn new(pipeline: &'static str, drain: Drain) -> Self {
        Self {
            pipeline,
            drain,
            failed: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Tells of the first that fails.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure(self.failed.subscribe())
    }

    /// The same task, whose end is noticed, be it by a panic.
    pub fn over<F: Future>(
        &self,
        name: &'static str,
        task: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let end = End {
            name,
            watch: self.clone(),
        };
        let end_of = (self.pipeline, name);
        async move {
            let _end = end;
            hooks::over(end_of, task).await
        }
    }
}

/// A task that is cut when its owner is gone.
#[derive(Debug)]
pub struct Room {
    name: &'static str,
    pipeline: &'static str,
    task: JoinHandle<()>,
}

impl Room {
    /// Starts a task whose end is noticed.
    #[must_use]
    pub fn spawn(
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
        watch: &Watch,
    ) -> Self {
        Self {
            name,
            pipeline: watch.pipeline,
            task: tokio::spawn(watch.over(name, task)),
        }
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) {
        if let Err(failure) = (&mut self.task).await {
            error!(%failure, room = self.name, pipeline = self.pipeline, "a task failed");
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            warn!(
                room = self.name,
                pipeline = self.pipeline,
                "a task was cut: what it held is lost"
            );
            self.task.abort();
        }
    }
}

/// Dropped when its task ends.
struct End {
    name: &'static str,
    watch: Watch,
}

impl Drop for End {
    fn drop(&mut self) {
        if self.watch.drain.deadline().is_none() {
            self.watch.failed.send_replace(Some(self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::drain;

    #[tokio::test]
    async fn a_panic_before_the_signal_is_a_failure_with_a_name() {
        let (_signal, drain) = drain::channel();
        let watch = Watch::new("logs", drain);
        let task = tokio::spawn(watch.over("aggregator", async { panic!("as asked") }));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(watch.failure().seen().await, "aggregator");
    }

    #[tokio::test]
    async fn an_end_after_the_signal_is_none() {
        let (signal, drain) = drain::channel();
        let watch = Watch::new("logs", drain);
        signal.signal(Instant::now());
        watch.over("server", async {}).await;
        let mut seen = std::pin::pin!(watch.failure().seen());
        tokio::select! {
            biased;
            name = &mut seen => panic!("{name} failed"),
            () = std::future::ready(()) => {}
        }
    }
}
