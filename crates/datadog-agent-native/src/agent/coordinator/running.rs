//! What runs between a start and a stop, and in which order it begins and ends.

use std::time::Duration;

use datadog_agent_runtime::bind::uds::SocketFile;
use datadog_agent_runtime::drain::{self, Drain, DrainSignal};
use datadog_agent_runtime::event_bus::{self, EventBus};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::Listeners;
use crate::agent::builder::Options;
use crate::agent::{AgentError, AgentHandle, Board, Shared, Signals, StopReport, keepers};
use crate::config::Config;
use crate::metrics::Transport;
use crate::{appsec, logs, metrics, remote_config, traces};

/// What runs between a start and a stop. Dropping it cuts everything at once.
#[derive(Debug)]
pub(super) struct Running {
    /// Where everything runs.
    pub(super) runtime: Handle,
    drain: DrainSignal,
    /// That of logs, whose time may be shorter.
    logs_drain: DrainSignal,
    pub(super) events: event_bus::Sender,
    /// Closes the bus: what is queued there is still read.
    close_events: oneshot::Sender<()>,
    /// The reader of notices; ends when the bus is closed.
    reader: JoinSet<()>,
    /// Who watches over the pipelines, and listens to signals.
    pub(super) keepers: JoinSet<()>,
    /// Removes the files of sockets at once, whenever the tasks that have the sockets end.
    sockets: Vec<SocketFile>,
    pub(super) logs: Option<logs::Running>,
    pub(super) metrics: Option<metrics::Running>,
    pub(super) traces: Option<traces::Running>,
    pub(super) remote_config: Option<remote_config::Running>,
    pub(super) appsec: Option<appsec::Opened>,
}

/// Starts one part after the other. When one cannot be started, those before it are ended, and their ports are free.
pub(super) async fn start_pipelines(
    config: Config,
    options: Options,
    board: Board,
    handle: AgentHandle,
) -> Result<Running, AgentError> {
    let client = options.http_client.clone();
    let (mut shared, drain) = Shared::new(&config, board, client)?;
    let (bus, events) = EventBus::run(config.event_bus_capacity, &shared.board.telemetry());
    shared.events = events.clone();
    shared.span_tags = options.span_tags.clone().into();
    let (close_events, closing) = oneshot::channel();
    let (logs_drain, of_logs) = drain::channel();
    let mut running = Running {
        runtime: Handle::current(),
        drain,
        logs_drain,
        events,
        close_events,
        reader: JoinSet::new(),
        keepers: JoinSet::new(),
        sockets: Vec::new(),
        logs: None,
        metrics: None,
        traces: None,
        remote_config: None,
        appsec: None,
    };
    let read = keepers::consume(bus, handle.clone(), options.listener.clone(), closing);
    running.reader.spawn(read);
    match start_each(&mut running, &config, &shared, of_logs, &options).await {
        Ok(()) => {
            running.watch(&shared.board, &handle);
            if options.signal_handlers {
                let heed = keepers::heed(Signals::install()?, handle);
                running.keepers.spawn(heed);
            }
            Ok(running)
        }
        Err(error) => {
            let now = Instant::now();
            Box::pin(running.end(now, now)).await;
            Err(error)
        }
    }
}

async fn start_each(
    running: &mut Running,
    config: &Config,
    shared: &Shared,
    of_logs: Drain,
    options: &Options,
) -> Result<(), AgentError> {
    if config.logs_enabled {
        let shared = Shared {
            drain: of_logs,
            ..shared.clone()
        };
        running.logs = Some(logs::start(config, &shared).await?);
    }
    if metrics::is_wanted(config) {
        running.metrics = Some(metrics::start(config, shared).await?);
    }
    let store = options.remote_config_store.clone();
    let remote_config = Box::pin(remote_config::open(config, shared, store)).await;
    let appsec = appsec::open(config, shared, &options.appsec, remote_config.is_some());
    running.appsec = Box::pin(appsec).await;
    if config.apm_enabled {
        let mount = remote_config.as_ref().map(remote_config::Opened::mount);
        let (logs, metrics) = (running.logs.as_ref(), running.metrics.as_ref());
        let inspector = running.appsec.as_ref().map(appsec::Opened::inspector);
        let start = traces::start(config, shared, logs, metrics, mount, inspector);
        running.traces = Some(start.await?);
    }
    let consumers = remote_config::Consumers {
        traces: running.traces.as_ref(),
        level: options.level.clone(),
        appsec: running.appsec.as_ref(),
    };
    running.remote_config = remote_config.map(|it| it.run(config, shared, consumers));
    Ok(())
}

impl Running {
    /// Watches over the pipelines, and lays claim to the files of their sockets.
    fn watch(&mut self, board: &Board, handle: &AgentHandle) {
        let failures = [
            ("logs", self.logs.as_ref().map(logs::Running::failure)),
            (
                "metrics",
                self.metrics.as_ref().map(metrics::Running::failure),
            ),
            ("traces", self.traces.as_ref().map(traces::Running::failure)),
        ];
        for (name, failure) in failures {
            let Some(failure) = failure else { continue };
            let (board, handle, events) = (board.clone(), handle.clone(), self.events.clone());
            self.keepers
                .spawn(keepers::supervise(name, failure, board, handle, events));
        }
        let all = listeners(
            self.logs.as_ref(),
            self.metrics.as_ref(),
            self.traces.as_ref(),
        );
        let paths = [
            all.trace_uds,
            all.logs_uds,
            all.dogstatsd_uds,
            all.dogstatsd_stream_uds,
        ];
        let paths = paths.iter().flatten();
        self.sockets = paths.filter_map(|path| SocketFile::claim(path)).collect();
    }

    /// Tells all servers to stop, and waits for everything behind them.
    pub(super) async fn end(mut self, deadline: Instant, logs_deadline: Instant) -> StopReport {
        self.drain.signal(deadline);
        self.logs_drain.signal(logs_deadline);
        // From here on each socket removes its own file when it is closed; another agent may take the path then.
        self.sockets.drain(..).for_each(SocketFile::release);
        let logs = async { Some(self.logs?.join().await) };
        let metrics = async { Some(self.metrics?.join().await) };
        let traces = async { Some(self.traces?.join().await) };
        let (logs, metrics, traces) = tokio::join!(logs, metrics, traces);
        if let Some(remote_config) = self.remote_config {
            remote_config.join().await;
        }
        self.keepers.shutdown().await;
        // Nobody may read any more, if the reader was cut.
        let _unread = self.close_events.send(()).is_err();
        while self.reader.join_next().await.is_some() {}
        StopReport {
            logs,
            metrics,
            traces,
            took: Duration::ZERO,
        }
    }
}

/// Does something on a runtime, or here if none is given; cut when it is no longer awaited.
pub(super) async fn on_runtime<T: Send + 'static>(
    runtime: Option<&Handle>,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    match runtime {
        Some(runtime) => {
            let mut task = JoinSet::new();
            task.spawn_on(work, runtime);
            // There is one.
            match task.join_next().await {
                Some(done) => done,
                None => std::future::pending().await,
            }
        }
        None => Ok(work.await),
    }
}

pub(super) fn listeners(
    logs: Option<&logs::Running>,
    metrics: Option<&metrics::Running>,
    traces: Option<&traces::Running>,
) -> Listeners {
    Listeners {
        trace_tcp: traces.and_then(|traces| traces.local_addrs().first().copied()),
        trace_uds: traces.and_then(|traces| traces.paths().first().cloned()),
        logs_tcp: logs.and_then(|logs| logs.local_addrs().first().copied()),
        logs_uds: logs.and_then(|logs| logs.paths().first().cloned()),
        dogstatsd_udp: metrics.and_then(|metrics| metrics.local_addrs().first().copied()),
        dogstatsd_uds: metrics.and_then(|metrics| metrics.path(Transport::UnixDatagram)),
        dogstatsd_stream_uds: metrics.and_then(|metrics| metrics.path(Transport::UnixStream)),
    }
}
