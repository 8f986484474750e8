//! A service under test: how it is set up, what it is given, and what it says of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use datadog_agent_runtime::connect::{self, ConnectConfig};
use datadog_agent_runtime::drain::{self, DrainSignal};
use datadog_dev_intake::{Intake, Snapshot};
use datadog_logs_patterns::encoder::{Input, Options as EncoderOptions};
use datadog_logs_patterns::wire::Profile;
use datadog_logs_stream::client::{Client, Endpoint, Key};
use datadog_logs_stream::coder::{ANone, Logs};
use datadog_logs_stream::pipeline::Options;
use datadog_logs_stream::report::Report;
use datadog_logs_stream::service::{Config, Handle, Owner, Service};
use datadog_logs_stream::state::DropReason;
use datadog_logs_stream::{Compression, Failure, Settings, backoff};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub(crate) use datadog_wire::stateful::{METHOD_A, METHOD_C};

/// The key unless a test sets another.
pub(crate) const KEY: &str = "0123456789abcdef";
/// What an intake shows of it.
pub(crate) const KEY_END: &str = "cdef";
/// The longest that anything may take.
const GUARD: Duration = Duration::from_secs(30);

/// Logs given together. The text [`PANICS`] makes the encoder panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts(Vec<String>);

/// A text at which the encoder fails.
pub(crate) const PANICS: &str = "the encoder fails here";

impl Logs for Texts {
    fn for_each(&self, _profile: Profile, each: &mut dyn FnMut(&Input<'_>)) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let timestamp_ms = i64::try_from(now.unwrap().as_millis()).unwrap();
        for text in &self.0 {
            assert_ne!(text, PANICS);
            each(&Input {
                body: text.as_bytes(),
                timestamp_ms,
                status: Some("info"),
                service: Some("shop"),
                tags: "env:test,hostname:web-1",
                uuid: None,
            });
        }
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(String::len).sum()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// What the service said of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Delivered(Vec<String>),
    Dropped(u64, &'static str),
    /// Delivered, but so many.
    Settled(Vec<String>, u64),
    Undelivered(Vec<String>),
    Http(Vec<String>),
}

struct Notes(mpsc::Sender<Fate>);

impl Notes {
    fn note(&self, fate: Fate) {
        // A test that has ended asks for nothing more.
        let _unheard = self.0.try_send(fate).is_err();
    }
}

impl Owner<Texts> for Notes {
    fn dropped(&mut self, lost: u64, reason: DropReason) {
        self.note(Fate::Dropped(lost, reason.name()));
    }

    fn settled(&mut self, logs: Texts, lost: u64) {
        self.note(match lost {
            0 => Fate::Delivered(logs.0),
            lost => Fate::Settled(logs.0, lost),
        });
    }

    fn undelivered(&mut self, logs: Texts) {
        self.note(Fate::Undelivered(logs.0));
    }

    fn over_http(&mut self, logs: Texts) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.note(Fate::Http(logs.0));
        Box::pin(std::future::ready(()))
    }
}

/// How a service is set up.
pub(crate) struct Setup {
    url: String,
    pub(crate) settings: Settings,
    pub(crate) compression: Compression,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) rests_after_flush: bool,
}

impl Setup {
    /// Sends to that intake. Pauses are what a test can bear; what is to time out must be told so.
    pub(crate) fn to(intake: &Intake) -> Self {
        Self::to_url(intake.url())
    }

    pub(crate) fn to_url(url: String) -> Self {
        let settings = Settings {
            lifetime_jitter: 0.0,
            ack_timeout: GUARD,
            send_timeout: GUARD,
            connect_timeout: GUARD,
            drain_timeout: GUARD,
            backoff: backoff::Settings {
                factor: 2.0,
                base: Duration::from_millis(2),
                max: Duration::from_millis(20),
            },
            ..Settings::default()
        };
        Self {
            url,
            settings,
            compression: Compression::Zstd(3),
            shutdown_timeout: GUARD,
            rests_after_flush: false,
        }
    }

    /// The same, with other settings.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn start(self) -> Rig {
        let key = Arc::new(Mutex::new(KEY.to_owned()));
        let refreshes = Arc::new(AtomicUsize::new(0));
        let endpoint = self.endpoint(&key, &refreshes);
        let connector = connect::Client::new(ConnectConfig::default()).unwrap();
        let client = Client::new(endpoint, connector.connector());
        let config = Config {
            options: Options {
                settings: self.settings,
                encoder: EncoderOptions::default(),
                compression: self.compression,
                a_none: ANone::EmptyValue,
            },
            shutdown_timeout: self.shutdown_timeout,
            queue: 1,
            rests_after_flush: self.rests_after_flush,
        };
        let (notes, fates) = mpsc::channel(100_000);
        let (service, handle) = Service::new(config, client, Notes(notes), 7);
        let (signal, drain) = drain::channel();
        Rig {
            handle,
            fates,
            signal,
            key,
            refreshes,
            task: tokio::spawn(service.run(drain)),
        }
    }

    fn endpoint(&self, key: &Arc<Mutex<String>>, refreshes: &Arc<AtomicUsize>) -> Endpoint {
        let (key, refreshes) = (Arc::clone(key), Arc::clone(refreshes));
        Endpoint {
            origin: self.url.parse().unwrap(),
            method: None,
            key: Key::new(
                move || key.lock().unwrap().clone(),
                move || {
                    refreshes.fetch_add(1, Ordering::Relaxed);
                },
            ),
            user_agent: "datadog-agent/test".to_owned(),
            origin_name: Some(("agent".to_owned(), "1.2.3".to_owned())),
            state_request_bytes: 1 << 20,
            compression: self.compression,
            shadow: false,
            keepalive_time: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
        }
    }
}

/// A running service.
pub(crate) struct Rig {
    pub(crate) handle: Handle<Texts>,
    fates: mpsc::Receiver<Fate>,
    pub(crate) signal: DrainSignal,
    key: Arc<Mutex<String>>,
    refreshes: Arc<AtomicUsize>,
    pub(crate) task: JoinHandle<()>,
}

impl Rig {
    pub(crate) async fn send<S: Into<String>>(&self, texts: impl IntoIterator<Item = S>) {
        let sent = self.try_send(texts).await;
        assert_eq!(sent, Ok(()), "the service has ended");
    }

    pub(crate) async fn try_send<S: Into<String>>(
        &self,
        texts: impl IntoIterator<Item = S>,
    ) -> Result<(), Texts> {
        let texts = Texts(texts.into_iter().map(Into::into).collect());
        timeout(GUARD, self.handle.send(texts)).await.unwrap()
    }

    /// The next thing that the service says.
    pub(crate) async fn fate(&mut self) -> Fate {
        timeout(GUARD, self.fates.recv()).await.unwrap().unwrap()
    }

    /// What it has said, and not been asked for.
    pub(crate) fn fates(&mut self) -> Vec<Fate> {
        std::iter::from_fn(|| self.fates.try_recv().ok()).collect()
    }

    /// Sends logs and waits until they are acknowledged.
    pub(crate) async fn deliver<const N: usize>(&mut self, texts: [&str; N]) {
        self.send(texts).await;
        self.expect_delivered(texts).await;
    }

    #[track_caller]
    pub(crate) fn expect_delivered<const N: usize>(
        &mut self,
        texts: [&str; N],
    ) -> impl Future<Output = ()> {
        let expected = Fate::Delivered(texts.map(str::to_owned).to_vec());
        async move { assert_eq!(self.fate().await, expected) }
    }

    pub(crate) async fn expect_http<const N: usize>(&mut self, texts: [&str; N]) {
        let expected = Fate::Http(texts.map(str::to_owned).to_vec());
        assert_eq!(self.fate().await, expected);
    }

    /// Waits until the report of the service is as `check` wants it.
    pub(crate) async fn until(&self, check: impl FnMut(&Report) -> bool) -> Report {
        let mut reports = self.handle.reports();
        let report = timeout(GUARD, reports.wait_for(check)).await;
        match report {
            Ok(report) => report.unwrap().clone(),
            Err(_) => panic!("the report stays {:?}", self.handle.report()),
        }
    }

    /// How often streams failed for that reason.
    pub(crate) fn failures(&self, failure: Failure) -> u64 {
        let report = self.handle.report();
        report.stats.failures.get(&failure).copied().unwrap_or(0)
    }

    pub(crate) fn set_key(&self, key: &str) {
        key.clone_into(&mut self.key.lock().unwrap());
    }

    /// How often it asked for a fresh key.
    pub(crate) fn refreshes(&self) -> usize {
        self.refreshes.load(Ordering::Relaxed)
    }

    pub(crate) async fn flush(&self) -> bool {
        self.handle.flush(Instant::now() + GUARD).await
    }

    /// Gives the last door back and waits for the end.
    pub(crate) async fn stop(self) -> Vec<Fate> {
        let Self {
            handle,
            mut fates,
            task,
            signal: _signal,
            ..
        } = self;
        drop(handle);
        ended(task).await;
        std::iter::from_fn(|| fates.try_recv().ok()).collect()
    }
}

/// Waits for the end of a service.
pub(crate) async fn ended(task: JoinHandle<()>) {
    timeout(GUARD, task).await.unwrap().unwrap();
}

/// Waits until the streams of an intake are as `check` wants them.
pub(crate) async fn streams(
    intake: &Intake,
    check: impl Fn(&[datadog_dev_intake::StreamSnapshot]) -> bool,
    what: &str,
) {
    let seen = |_: &Snapshot| check(&intake.streams());
    intake.expect(seen, what).await;
}

/// So many texts that share a pattern, from that number on.
pub(crate) fn numbered(first: usize, count: usize) -> Vec<String> {
    (first..first + count)
        .map(|number| format!("request {number} took {}ms", number % 700))
        .collect()
}
