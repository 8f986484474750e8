//! Takes the place of the hooks for tests where there are none: a task runs as it is.

pub(super) async fn over<F: Future>(_of: (&'static str, &'static str), task: F) -> F::Output {
    task.await
}
