//! The answer to a stream: acknowledgements in their order, each when it is due, and the status at the end.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::HeaderMap;
use hyper::body::Frame;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::grpc::{GrpcStatus, frame};
use crate::server::answer::{Body, FellBehind};
use crate::streams::Live;

/// Answers on their way. A client that does not take them has its batches left unread in the end.
const WAITING: usize = 1_024;

/// Something to be sent.
enum Answer {
    Ack {
        due: Instant,
        /// What it acknowledges, if it does.
        batch_id: Option<u32>,
        message: Bytes,
    },
    End(HeaderMap),
}

/// Where a session leaves its answers.
pub(super) struct Acks(Sender<Answer>);

/// The client is gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone;

impl Acks {
    /// Sends a `BatchStatus` once it is due. `batch_id` is given where that is an acknowledgement.
    pub(super) async fn send(
        &self,
        due: Instant,
        batch_id: Option<u32>,
        message: &[u8],
    ) -> Result<(), Gone> {
        let message = frame(message);
        let ack = Answer::Ack {
            due,
            batch_id,
            message,
        };
        self.0.send(ack).await.map_err(|_| Gone)
    }

    /// Sends the status, behind all that waits.
    pub(super) async fn end(&self, status: GrpcStatus, message: &str) -> Result<(), Gone> {
        let mut trailers = HeaderMap::new();
        status.write(message, &mut trailers);
        self.0.send(Answer::End(trailers)).await.map_err(|_| Gone)
    }
}

/// A way for the answers of a stream, and the body in which they leave.
pub(super) fn channel(live: Arc<Live>) -> (Acks, Body) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let frames = futures_util::stream::unfold((receiver, live), |(mut receiver, live)| async {
        let frame = next(&mut receiver, &live).await?;
        Some((Ok::<_, FellBehind>(frame), (receiver, live)))
    });
    (Acks(sender), StreamBody::new(frames).boxed_unsync())
}

async fn next(receiver: &mut Receiver<Answer>, live: &Live) -> Option<Frame<Bytes>> {
    match receiver.recv().await? {
        Answer::Ack {
            due,
            batch_id,
            message,
        } => {
            tokio::time::sleep_until(due).await;
            if let Some(batch_id) = batch_id {
                live.acked(batch_id);
            }
            Some(Frame::data(message))
        }
        Answer::End(trailers) => Some(Frame::trailers(trailers)),
    }
}
