//! Requests of tracers that are meant for other intakes, passed on.
//!
//! A request to a single intake is sent while it comes, and its client gets the intake's answer. Where there are several
//! intakes it is held, and the first of them answers. Telemetry, and everything where the machine sleeps between
//! invocations, is answered first and sent later. Nothing is read, changed or kept of a body.

mod background;
mod buffered;
mod evp;
mod exchange;
mod ledger;
mod limits;
mod memory;
mod outgoing;
mod refusal;
mod tags;
mod target;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datadog_agent_runtime::bind::http::receive::{self, announced, receive};
use datadog_agent_runtime::budget::Budget;
use datadog_agent_runtime::connect::Client;
use datadog_agent_runtime::drain::Drain;
use datadog_agent_runtime::telemetry::Telemetry;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::{HeaderMap, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use self::background::Background;
use self::buffered::Buffer;
use self::exchange::{Sender, discard};
use self::ledger::{Ledger, Lost, Ticket};
use self::limits::Limits;
use self::memory::{Memory, Share};
use self::outgoing::{Outgoing, Outgoings};
use self::refusal::{Refusal, answer, close, text};
use self::upload::Upload;
use crate::config::{Config, ConfigError, FlushStrategy, ProxyMode};
use crate::server::route::Product;

/// Requests of telemetry that are answered and not yet sent; more are refused.
const TELEMETRY_REQUESTS: usize = 100;
/// Requests of telemetry that are sent at once.
const TELEMETRY_TURNS: usize = 20;
/// Longest time that telemetry has at the end.
const TELEMETRY_STOP: Duration = Duration::from_secs(1);
/// Copies for further intakes that are sent at once; more are dropped.
const COPIES: usize = 100;

/// Passes requests on; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Proxy(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    outgoings: Outgoings,
    sender: Sender,
    mode: ProxyMode,
    flush: FlushStrategy,
    limits: Limits,
    /// Telemetry that is answered and not yet sent.
    telemetry: Background,
    telemetry_requests: Arc<Semaphore>,
    telemetry_turns: Arc<Semaphore>,
    /// What is sent to the further intakes of a product.
    copies: Background,
    copy_turns: Arc<Semaphore>,
    buffer: Buffer,
}

/// Whether requests could be passed on with this configuration.
///
/// # Errors
/// A URL or key that cannot be used.
pub(crate) fn check(config: &Config) -> Result<(), ConfigError> {
    Outgoings::new(config).map(drop)
}

impl Proxy {
    /// Passes requests on as the configuration says.
    ///
    /// # Errors
    /// A URL or key that cannot be used.
    pub(crate) fn new(
        config: &Config,
        client: Client,
        telemetry: &Telemetry,
    ) -> Result<Self, ConfigError> {
        let limits = Limits::new(config);
        let memory_bytes = config.proxies.memory_bytes.max(limits.largest());
        let turns = |count| Arc::new(Semaphore::new(count));
        Ok(Self(Arc::new(Inner {
            outgoings: Outgoings::new(config)?,
            sender: Sender {
                client,
                ledger: Ledger::new(telemetry.clone()),
                memory: Memory::new(memory_bytes, telemetry),
                timeout: config.proxies.timeout,
            },
            mode: config.proxies.mode,
            flush: config.flush,
            limits,
            telemetry: Background::default(),
            telemetry_requests: turns(TELEMETRY_REQUESTS),
            telemetry_turns: turns(TELEMETRY_TURNS),
            copies: Background::default(),
            copy_turns: turns(COPIES),
            buffer: Buffer::default(),
        })))
    }

    /// Passes a request on, and answers it; `rest` is its path behind the prefix of its product, or all of it where there
    /// is none, and `container` that of the process at the other end.
    pub(crate) async fn pass_on(
        &self,
        product: Product,
        rest: &str,
        request: Request<Incoming>,
        container: Option<String>,
    ) -> Response<Full<Bytes>> {
        let has_body = !request.body().is_end_stream();
        let ticket = self.0.sender.ledger.open(product, Lost::ClientGone);
        let (head, body) = request.into_parts();
        let outgoing = self.0.outgoings.of(product, rest, &head, container);
        let answered = match outgoing {
            Ok(outgoing) => self.0.answer(outgoing, &head.headers, body).await,
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(response) => {
                ticket.done();
                response
            }
            Err(refusal) => {
                ticket.lost(Lost::Refused(refusal));
                if product == Product::Telemetry && refusal == Refusal::Crowded {
                    return json(StatusCode::TOO_MANY_REQUESTS, has_body);
                }
                refusal.into_response(has_body)
            }
        }
    }

    /// Sends what was taken and answered already, until the deadline; what is left then is kept.
    pub(crate) async fn flush(&self, deadline: Instant) {
        let inner = &self.0;
        tokio::join!(
            inner.buffer.flush(&inner.sender, deadline),
            inner.telemetry.settle(deadline),
            inner.copies.settle(deadline),
        );
    }

    /// Flushes at its times, where that is not left to others, until it is told to stop.
    pub(crate) async fn run(self, drain: Drain) {
        let flushes = async {
            let (FlushStrategy::Interval(every), ProxyMode::Buffered) = (self.0.flush, self.0.mode)
            else {
                return std::future::pending().await;
            };
            loop {
                tokio::time::sleep(every).await;
                let deadline = Instant::now() + self.0.limits.other.timeout;
                self.0.buffer.flush(&self.0.sender, deadline).await;
            }
        };
        tokio::select! {
            // What a flush was at goes back to the queue, and is sent by the last one.
            _ = drain.signalled() => {}
            () = flushes => {}
        }
        self.0.sender.ledger.stop();
    }

    /// Sends what is left until the deadline, telemetry for a second at most, and counts what was not sent then. Nothing
    /// may be passed on any more.
    pub(crate) async fn stop(&self, deadline: Instant) {
        let inner = &self.0;
        let soon = deadline.min(Instant::now() + TELEMETRY_STOP);
        tokio::join!(
            inner.buffer.flush(&inner.sender, deadline),
            inner.telemetry.stop(soon),
            inner.copies.stop(deadline),
        );
        inner.buffer.give_up();
    }
}

impl Inner {
    async fn answer(
        &self,
        outgoing: Outgoing,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let limits = self.limits.of(outgoing.product);
        let length = announced(headers);
        if length.is_some_and(|length| length > limits.bytes as u64) {
            return Err(Refusal::TooLarge);
        }
        if self.mode == ProxyMode::Buffered {
            return self.buffer(outgoing, length, body, limits).await;
        }
        if outgoing.product == Product::Telemetry {
            return self.telemetry(outgoing, length, body, limits).await;
        }
        let deadline = Instant::now() + limits.timeout;
        if outgoing.targets.len() == 1 && !body.is_end_stream() {
            return self.stream(&outgoing, body, limits, deadline).await;
        }
        let (body, share) = self
            .hold(length, body, limits, self.memory().held())
            .await?;
        self.copy_and_send(outgoing, body, share, deadline).await
    }

    /// Sends a body while it comes.
    async fn stream(
        &self,
        outgoing: &Outgoing,
        body: Incoming,
        limits: receive::Limits,
        deadline: Instant,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let target = outgoing.targets.first();
        let target = target.ok_or(Refusal::Disabled(outgoing.product))?;
        let (upload, body) = Upload::new(body, limits.bytes, limits.idle_timeout);
        let exchange = async {
            let answer = self.sender.pass(outgoing, target, &upload, body).await?;
            let collected = self.sender.collect(outgoing.product, answer, deadline);
            collected.await
        };
        let answered = timeout_at(deadline, exchange).await;
        let mut response = answered.unwrap_or(Err(Refusal::TimedOut))?;
        if !upload.is_read() {
            close(&mut response);
        }
        Ok(response)
    }

    /// Receives a body as a whole.
    async fn hold(
        &self,
        length: Option<u64>,
        body: Incoming,
        limits: receive::Limits,
        budget: &Budget,
    ) -> Result<(Bytes, Share), Refusal> {
        let received = receive(body, length, &limits, budget).await?;
        Ok(self.memory().share(received))
    }

    /// Sends a body to every intake; that of the first answers.
    async fn copy_and_send(
        &self,
        outgoing: Outgoing,
        body: Bytes,
        share: Share,
        deadline: Instant,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        // Counted until the last copy is sent.
        let body = share.keep_with(body);
        let outgoing = Arc::new(outgoing);
        for target in 1..outgoing.targets.len() {
            let ticket = self.sender.ledger.open(outgoing.product, Lost::Shutdown);
            let Ok(turn) = Arc::clone(&self.copy_turns).try_acquire_owned() else {
                ticket.lost(Lost::QueueFull);
                continue;
            };
            let (sender, outgoing, body) = (self.sender.clone(), outgoing.clone(), body.clone());
            self.copies.spawn(async move {
                let _turn = turn;
                copy(&sender, &outgoing, target, &body, deadline, ticket).await;
            });
        }
        let first = outgoing.targets.first();
        let first = first.ok_or(Refusal::Disabled(outgoing.product))?;
        let exchange = async {
            let answer = self.sender.send(&outgoing, first, &body).await?;
            let collected = self.sender.collect(outgoing.product, answer, deadline);
            collected.await
        };
        timeout_at(deadline, exchange)
            .await
            .unwrap_or(Err(Refusal::TimedOut))
    }

    /// Answers telemetry at once, and sends it when it is its turn.
    async fn telemetry(
        &self,
        outgoing: Outgoing,
        length: Option<u64>,
        body: Incoming,
        limits: receive::Limits,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let place = Arc::clone(&self.telemetry_requests).try_acquire_owned();
        let place = place.map_err(|_| Refusal::Crowded)?;
        let budget = self.memory().telemetry();
        let (body, share) = self.hold(length, body, limits, budget).await?;
        let (sender, turns) = (self.sender.clone(), Arc::clone(&self.telemetry_turns));
        let tickets: Vec<Ticket> = (outgoing.targets.iter())
            .map(|_| sender.ledger.open(Product::Telemetry, Lost::Shutdown))
            .collect();
        self.telemetry.spawn(async move {
            let _held = (place, share);
            let Ok(_turn) = turns.acquire_owned().await else {
                return;
            };
            let deadline = Instant::now() + limits.timeout;
            let (sender, outgoing, body) = (&sender, &outgoing, &body);
            let copies = tickets.into_iter().enumerate();
            let copies =
                copies.map(|(at, ticket)| copy(sender, outgoing, at, body, deadline, ticket));
            futures_util::future::join_all(copies).await;
        });
        Ok(json(StatusCode::OK, false))
    }

    /// Answers a request at once, and keeps it for the next flush.
    async fn buffer(
        &self,
        outgoing: Outgoing,
        length: Option<u64>,
        body: Incoming,
        limits: receive::Limits,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        let room = buffered::MAX_BYTES.saturating_sub(outgoing.bytes());
        let limits = receive::Limits {
            bytes: limits.bytes.min(room),
            ..limits
        };
        let (body, share) = self
            .hold(length, body, limits, self.memory().held())
            .await?;
        let context = outgoing.product.name();
        self.buffer.push(&self.sender, outgoing, body, share);
        let acknowledged = format!("Acknowledged request for {context}");
        Ok(text(StatusCode::OK, acknowledged))
    }

    fn memory(&self) -> &Memory {
        &self.sender.memory
    }
}

/// Sends a copy to one intake, whose answer is only counted.
async fn copy(
    sender: &Sender,
    outgoing: &Outgoing,
    target: usize,
    body: &Bytes,
    deadline: Instant,
    ticket: Ticket,
) {
    let Some(target) = outgoing.targets.get(target) else {
        return ticket.lost(Lost::Refused(Refusal::BadUrl));
    };
    let sent = timeout_at(deadline, sender.send(outgoing, target, body)).await;
    match sent.unwrap_or(Err(Refusal::TimedOut)) {
        Ok(answer) => {
            match answer.status() {
                status if status.is_success() => ticket.done(),
                status => ticket.lost(Lost::Status(status)),
            }
            // However this ends, the answer is counted.
            drop(timeout_at(deadline, discard(answer)).await);
        }
        Err(refusal) => ticket.lost(Lost::Refused(refusal)),
    }
}

/// What clients of telemetry are answered.
fn json(status: StatusCode, closes: bool) -> Response<Full<Bytes>> {
    let mut response = answer(status, "application/json", "{}");
    if closes {
        close(&mut response);
    }
    response
}
