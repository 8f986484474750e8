//! The way of a payload from the door to the endpoints: encoded once per encoding, then handed to each worker.
//!
//! One payload at a time is on the desk. While it cannot be handed on, none is taken from the door, which is what
//! makes senders wait.

use std::future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::Instant;

use crate::compress::{self, Encoded, Encoder};
use crate::payload::{Compressed, Form, Payload};
use crate::queue::{Pending, Place};
use crate::service::worker::Worker;
use crate::{Encoding, Reservation};

/// Bodies of more bytes than this are compressed on a thread that may block.
const INLINE_BYTES: usize = 64 << 10;

/// Where a payload is encoded, and waits for room.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    encoder: Encoder,
    held: Held,
    /// The number of the last payload taken.
    last_seq: u64,
}

#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    Encoding(Sheet, JoinHandle<(Encoder, Vec<Encoded>)>),
    Ready(Parcel),
}

/// A payload on the desk.
#[derive(Debug)]
struct Sheet {
    seq: u64,
    payload: Payload,
    accepted_at: Instant,
    /// What to encode it in, each once.
    encodings: Vec<Encoding>,
}

/// A payload that is encoded for all endpoints.
#[derive(Debug)]
pub(crate) struct Parcel {
    seq: u64,
    items: u64,
    form: Option<Arc<Form>>,
    raw_len: usize,
    accepted_at: Instant,
    /// By the encoding asked for.
    bodies: Vec<(Encoding, Encoded, Option<Arc<Reservation>>)>,
}

/// What left the desk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    /// Its number in the order of handing over.
    pub(crate) seq: u64,
    pub(crate) items: u64,
    pub(crate) raw_len: usize,
}

impl Desk {
    /// Whether there is a place for the next payload.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self.held, Held::Nothing)
    }

    /// Whether a payload with a number of at most `mark` is being encoded or has yet to be taken, which is to say
    /// that it will go on without anyone's doing.
    pub(crate) fn expects(&self, mark: u64) -> bool {
        match &self.held {
            Held::Nothing => self.last_seq < mark,
            Held::Encoding(sheet, _) => sheet.seq <= mark,
            Held::Ready(_) => false,
        }
    }

    /// The number of the last payload taken.
    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Takes a payload and begins to encode it.
    pub(crate) fn take(&mut self, payload: Payload, workers: &[Worker], now: Instant) {
        debug_assert!(self.is_free(), "one payload at a time");
        self.last_seq += 1;
        let mut encodings = Vec::with_capacity(1);
        for encoding in workers.iter().map(Worker::encoding) {
            if !encodings.contains(&encoding) {
                encodings.push(encoding);
            }
        }
        let sheet = Sheet {
            seq: self.last_seq,
            payload,
            accepted_at: now,
            encodings,
        };
        let raw = sheet.payload.body.clone();
        let was = sheet.payload.compressed;
        let is_in = was.map_or(Encoding::Identity, |it| it.encoding);
        let works = sheet.encodings.iter().any(|&it| it != is_in);
        if works && sheet.payload.raw_len() > INLINE_BYTES {
            let mut encoder = std::mem::take(&mut self.encoder);
            let encodings = sheet.encodings.clone();
            let job = spawn_blocking(move || {
                let bodies = encode_all(&mut encoder, &raw, was, &encodings);
                (encoder, bodies)
            });
            self.held = Held::Encoding(sheet, job);
        } else {
            let bodies = encode_all(&mut self.encoder, &raw, was, &sheet.encodings);
            self.held = Held::Ready(sheet.into_parcel(bodies, workers));
        }
    }

    /// Waits until the payload being encoded is; for ever if there is none. May be dropped unharmed.
    pub(crate) async fn encoded(&mut self) -> Result<(Encoder, Vec<Encoded>), JoinError> {
        match &mut self.held {
            Held::Encoding(_, job) => job.await,
            Held::Nothing | Held::Ready(_) => future::pending().await,
        }
    }

    /// Takes what [`Desk::encoded`] yielded.
    pub(crate) fn finish_encoding(
        &mut self,
        result: Result<(Encoder, Vec<Encoded>), JoinError>,
        workers: &[Worker],
    ) {
        let Held::Encoding(sheet, _) = std::mem::take(&mut self.held) else {
            return;
        };
        let bodies = match result {
            Ok((encoder, bodies)) => {
                self.encoder = encoder;
                bodies
            }
            Err(error) => {
                tracing::warn!(%error, "compression failed, sending uncompressed");
                let as_is = |_| as_it_came(&sheet.payload);
                sheet.encodings.iter().map(as_is).collect()
            }
        };
        self.held = Held::Ready(sheet.into_parcel(bodies, workers));
    }

    /// Hands the payload on, if it is encoded and there is room for it.
    pub(crate) fn hand_on(&mut self, workers: &mut [Worker], now: Instant) -> Option<Left> {
        let Held::Ready(parcel) = &self.held else {
            return None;
        };
        if !has_room(workers, parcel) {
            return None;
        }
        let Held::Ready(parcel) = std::mem::take(&mut self.held) else {
            return None;
        };
        for worker in &mut *workers {
            if let Some(pending) = parcel.pending_for(worker) {
                worker.push(pending, now);
            }
        }
        Some(Left {
            seq: parcel.seq,
            items: parcel.items,
            raw_len: parcel.raw_len,
        })
    }

    /// Takes the payload off the desk although it cannot be handed on.
    pub(crate) fn clear(&mut self) -> Option<Left> {
        match std::mem::take(&mut self.held) {
            Held::Nothing => None,
            Held::Encoding(sheet, _) => Some(Left {
                seq: sheet.seq,
                items: sheet.payload.items,
                raw_len: sheet.payload.raw_len(),
            }),
            Held::Ready(parcel) => Some(Left {
                seq: parcel.seq,
                items: parcel.items,
                raw_len: parcel.raw_len,
            }),
        }
    }
}

impl Sheet {
    /// Divides the reservation among the bodies that reliable endpoints use, and gives back the rest.
    fn into_parcel(self, bodies: Vec<Encoded>, workers: &[Worker]) -> Parcel {
        let raw_len = self.payload.raw_len();
        let mut reservation = self.payload.reservation;
        let divided = self.encodings.into_iter().zip(bodies);
        let divided = divided.map(|(asked, encoded)| {
            let held = workers
                .iter()
                .any(|worker| worker.is_reliable() && worker.encoding() == asked);
            let part = reservation.as_mut().filter(|_| held);
            let part = part.map(|whole| Arc::new(whole.split_off(encoded.body.len())));
            (asked, encoded, part)
        });
        Parcel {
            seq: self.seq,
            items: self.payload.items,
            form: self.payload.form,
            raw_len,
            accepted_at: self.accepted_at,
            bodies: divided.collect(),
        }
    }
}

impl Parcel {
    /// The body that `worker` sends. An endpoint that refused its encoding since still finds the body in it, and has
    /// it decompressed on the way out.
    fn body_for(&self, worker: &Worker) -> Option<&(Encoding, Encoded, Option<Arc<Reservation>>)> {
        let asked = worker.encoding();
        let exact = self.bodies.iter().find(|(encoding, ..)| *encoding == asked);
        exact.or_else(|| self.bodies.first())
    }

    fn pending_for(&self, worker: &Worker) -> Option<Pending> {
        let (_, encoded, reservation) = self.body_for(worker)?;
        Some(Pending {
            place: Place::whole(self.seq),
            body: encoded.body.clone(),
            encoding: encoded.encoding,
            raw_len: self.raw_len,
            items: self.items,
            form: self.form.clone(),
            accepted_at: self.accepted_at,
            attempts: 0,
            tried_at: None,
            redriven: false,
            key_refreshed: false,
            reservation: reservation.clone().filter(|_| worker.is_reliable()),
        })
    }
}

/// Whether the payload may go on: one reliable endpoint takes it, and the primary is not merely behind.
///
/// A primary that works but is slow holds the payload back, and with it the sources. Where it fails and has no room,
/// another reliable endpoint is enough, and the payload is dropped for the primary and counted; an additional
/// endpoint without room never holds back what another one takes.
fn has_room(workers: &[Worker], parcel: &Parcel) -> bool {
    let takes = |worker: &Worker| {
        let bytes = parcel
            .body_for(worker)
            .map_or(0, |(_, it, _)| it.body.len());
        worker.takes(bytes)
    };
    let primary_waits = workers
        .first()
        .is_some_and(|primary| !primary.is_failing() && !takes(primary));
    let one_takes = workers
        .iter()
        .any(|worker| worker.is_reliable() && takes(worker));
    one_takes && !primary_waits
}

/// The body in each encoding; one that comes compressed is kept in that, and taken apart only for another.
fn encode_all(
    encoder: &mut Encoder,
    body: &Bytes,
    was: Option<Compressed>,
    encodings: &[Encoding],
) -> Vec<Encoded> {
    let Some(Compressed { encoding, raw_len }) = was else {
        let encode = |&encoding: &Encoding| encoder.encode(body, encoding);
        return encodings.iter().map(encode).collect();
    };
    let mut raw = None;
    let mut encode = |&other: &Encoding| {
        let as_is = Encoded {
            body: body.clone(),
            encoding,
        };
        if other == encoding {
            return as_is;
        }
        let raw = raw.get_or_insert_with(|| compress::decode(body, encoding, raw_len).ok());
        // What cannot be taken apart travels as it came.
        let encoded = raw.as_ref().map(|raw| encoder.encode(raw, other));
        encoded.unwrap_or(as_is)
    };
    encodings.iter().map(&mut encode).collect()
}

fn as_it_came(payload: &Payload) -> Encoded {
    let encoding = payload.compressed.map(|it| it.encoding);
    Encoded {
        body: payload.body.clone(),
        encoding: encoding.unwrap_or(Encoding::Identity),
    }
}
