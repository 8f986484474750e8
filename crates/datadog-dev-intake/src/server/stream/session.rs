//! An open stream: reads batches, decodes and stores them, and acknowledges what is stored.
//!
//! A batch counts as a whole or not at all. It is stored before it is acknowledged, and acknowledged in its order.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use datadog_logs_patterns::decoder::{self, BatchStatus};
use datadog_wire::stateful::{METHOD_A, SNAPSHOT_BATCH_ID};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Version};
use tokio::time::Instant;

use super::acks::{Acks, Gone};
use super::{Open, scripted_end};
use crate::fault::{Ack, Rule};
use crate::grpc::{FrameError, Frames, GrpcStatus, PREFIX_BYTES};
use crate::logs::rebuilt::{Rebuilt, rebuild};
use crate::problem::Problems;
use crate::server::connection::Control;
use crate::server::{body, now_ms};
use crate::store::{Batch, Origin, Received, as_u64};
use crate::streams::{Added, End, body_bytes};

/// One open stream.
pub(super) struct Session {
    open: Open,
    rule: Option<Rule>,
    acks: Acks,
    control: Arc<Control>,
    /// Batches taken so far.
    batches: u64,
}

/// Why a session is over.
type Over = End;

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Cut("the client left")
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        let status = match error {
            FrameError::Compressed => GrpcStatus::Unimplemented,
            FrameError::TooLong(_) => GrpcStatus::ResourceExhausted,
        };
        Self::Status(status, error.to_string())
    }
}

impl From<decoder::Error> for End {
    fn from(error: decoder::Error) -> Self {
        Self::Status(error.code().into(), error.to_string())
    }
}

impl Session {
    pub(super) fn new(open: Open, rule: Option<Rule>, acks: Acks, control: Arc<Control>) -> Self {
        Self {
            open,
            rule,
            acks,
            control,
            batches: 0,
        }
    }

    /// Runs until the stream ends, by whichever side.
    pub(super) async fn run(mut self, mut incoming: Incoming) {
        let control = Arc::clone(&self.control);
        tokio::select! {
            biased;
            () = control.closed() => {} // dropping the session notes it
            over = self.serve(&mut incoming) => {
                let sent = match &over {
                    End::Status(status, message) => self.acks.end(*status, message).await,
                    End::Http(_) | End::Cut(_) => Ok(()),
                };
                self.open.end(if sent == Err(Gone) { Gone.into() } else { over });
            }
        }
    }

    async fn serve(&mut self, incoming: &mut Incoming) -> Over {
        match self.read(incoming).await {
            Ok(()) => End::Status(GrpcStatus::Ok, String::new()),
            Err(over) => over,
        }
    }

    /// Reads to the end of the client's side.
    async fn read(&mut self, incoming: &mut Incoming) -> Result<(), Over> {
        self.act();
        let rule = self.rule.as_ref();
        let rate = rule.and_then(|rule| rule.slow_read_bytes_per_s);
        let mut may_read = rule.and_then(|rule| rule.close_after_read_bytes);
        let mut frames = Frames::default();
        while let Some(frame) = incoming.frame().await {
            let Ok(frame) = frame else {
                return Err(Gone.into());
            };
            let mut data = frame.into_data().unwrap_or_default();
            if let Some(left) = &mut may_read {
                data.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= as_u64(data.len());
            }
            frames.push(&data);
            while let Some(message) = frames.next()? {
                self.take(message).await?;
            }
            if may_read == Some(0) {
                self.control.close();
                return Err(End::Cut("a fault closed the connection"));
            }
            if let Some(rate) = rate {
                tokio::time::sleep(body::time_for(data.len(), rate)).await;
            }
        }
        if frames.is_within() {
            let why = "the stream ended within a message".to_owned();
            return Err(End::Status(GrpcStatus::Internal, why));
        }
        Ok(())
    }

    /// Takes one batch: decodes, stores and acknowledges it, unless the script says otherwise.
    async fn take(&mut self, message: Bytes) -> Result<(), Over> {
        let batch_id = self.store(message)?;
        self.batches += 1;
        self.acknowledge(batch_id).await?;
        self.act();
        let end = self.rule.as_ref().filter(|_| self.is_last());
        end.map_or(Ok(()), |rule| Err(scripted_end(rule)))
    }

    /// Whether the script ends the stream with the batch that was just taken.
    fn is_last(&self) -> bool {
        let end = self.rule.as_ref().and_then(|rule| rule.end_after_batches);
        end == Some(self.batches)
    }

    /// Does what the script asks for at this moment.
    fn act(&self) {
        let Some(rule) = &self.rule else {
            return;
        };
        if rule.forgets_after(self.batches) {
            self.open.live.forget_state();
        }
        if rule.goes_away_after(self.batches) {
            self.control.go_away();
        }
    }

    /// Decodes a batch and stores its logs; answers its number.
    fn store(&self, message: Bytes) -> Result<u32, Over> {
        let (batch_id, data) = decoder::envelope(&message)?;
        let live = &self.open.live;
        let records = live.decode(batch_id, data)?;
        let now_ms = now_ms();
        let has_service_tag = live.opened.path == METHOD_A;
        let rebuilt = rebuild(&records, has_service_tag, now_ms);
        let added = Added {
            batch_id,
            logs: as_u64(records.len()),
            wire_bytes: as_u64(message.len() + PREFIX_BYTES),
            body_bytes: body_bytes(&records),
        };
        // Counted first: whoever sees the logs sees them in the numbers too.
        live.took(added, &records, now_ms);
        drop(records);
        live.note(batch_id, &rebuilt.problems);
        let mut store = self.open.shared.store();
        for (_, what) in &rebuilt.problems {
            store.counts_mut().add_problem(*what, 1);
        }
        drop(store);
        self.record(message, rebuilt, added, now_ms);
        Ok(batch_id)
    }

    fn record(&self, message: Bytes, rebuilt: Rebuilt, added: Added, now_ms: i64) {
        let live = &self.open.live;
        let mut logs = rebuilt.decoded.entries;
        logs.shrink_to_fit();
        let received = Received {
            origin: Origin::Batch(Batch {
                live: Arc::clone(live),
                batch_id: added.batch_id,
                logs: rebuilt.notes,
                body_bytes: added.body_bytes,
                is_compared: AtomicBool::new(false),
            }),
            received_at_ms: now_ms,
            api_key: live.opened.api_key.clone(),
            method: Method::POST,
            path: live.opened.path.clone(),
            query: None,
            version: Version::HTTP_2,
            headers: HeaderMap::new(),
            status: None,
            fault: None,
            // Copied: as a part of the buffer that it came in, it would hold that whole.
            wire: Bytes::copy_from_slice(&message),
            wire_bytes: added.wire_bytes,
            raw: Some(rebuilt.body.into_boxed_slice().into()),
            encoding: live.opened.encoding.clone(),
            items: rebuilt.decoded.items,
            problems: Problems::default(),
            duration_ms: 0,
            logs,
            records: None,
            seen: None,
        };
        let shared = &self.open.shared;
        shared.record(received, &rebuilt.decoded.facets);
    }

    /// Answers a batch, rightly or as the script says.
    async fn acknowledge(&self, batch_id: u32) -> Result<(), Over> {
        let ack = self.rule.as_ref().and_then(|rule| rule.ack);
        let (answered, status) = match ack {
            Some(Ack::None) => return Ok(()),
            Some(Ack::OnlySnapshot) if batch_id != SNAPSHOT_BATCH_ID => return Ok(()),
            Some(Ack::NotLast) if self.is_last() => return Ok(()),
            Some(Ack::WrongId) => (batch_id.wrapping_add(1), BatchStatus::Ok),
            Some(Ack::UnknownStatus) => (batch_id, BatchStatus::Unknown),
            _ => (batch_id, BatchStatus::Ok),
        };
        let acked = (status == BatchStatus::Ok).then_some(answered);
        let delay = self.rule.as_ref().and_then(Rule::delay);
        let due = Instant::now() + delay.unwrap_or(Duration::ZERO);
        let message = decoder::status(answered, status);
        Ok(self.acks.send(due, acked, &message).await?)
    }
}
