//! Notices a task that ends although nobody asked it to.

use std::future::Future;
use std::sync::Arc;

use datadog_agent_runtime::drain::Drain;
use tokio::sync::watch;

/// Tells of a task that the metrics agent cannot do without and that ended before the signal to stop; cheap to clone.
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

/// Watches the tasks of one metrics agent.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    drain: Drain,
    failed: Arc<watch::Sender<Option<&'static str>>>,
}

impl Watch {
    pub(super) fn new(drain: Drain) -> Self {
        Self {
            drain,
            failed: Arc::new(watch::Sender::new(None)),
        }
    }

    pub(super) fn failure(&self) -> Failure {
        Failure(self.failed.subscribe())
    }

    /// The same task, whose end is noticed, be it by a panic.
    pub(super) fn over<F: Future>(
        &self,
        name: &'static str,
        task: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let end = End {
            name,
            watch: self.clone(),
        };
        async move {
            let _end = end;
            task.await
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
    use datadog_agent_runtime::drain;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_panic_before_the_signal_is_a_failure_with_a_name() {
        let (_signal, drain) = drain::channel();
        let watch = Watch::new(drain);
        let task = tokio::spawn(watch.over("aggregator", async { panic!("as asked") }));
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(watch.failure().seen().await, "aggregator");
    }

    #[tokio::test]
    async fn an_end_after_the_signal_is_none() {
        let (signal, drain) = drain::channel();
        let watch = Watch::new(drain);
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
