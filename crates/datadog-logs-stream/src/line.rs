//! One stream on the network: a task that opens it, tells of what happens to it, and ends with it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use datadog_logs_patterns::wire::Profile;
use datadog_wire::stateful::a::BatchStatus;
use http::uri::PathAndQuery;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tonic::Streaming;
use tonic::client::Grpc;

use crate::client::{Client, Connection, failure_of_status, wants_calm};
use crate::codec::{Batch, Codec};
use crate::failure::{Code, Failure};
use crate::state::{Event, StreamId};
use crate::watched::{Messages, Watch};

/// Messages that wait to be written; more than a machine ever hands over at once.
const QUEUE: usize = 16;
/// How long the server may still speak after our last word.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often a quiet stream looks whether its connection is about to be closed.
const GO_AWAY_TICK: Duration = Duration::from_secs(5);

/// The end of a stream that the pipeline holds. Dropping it cancels the stream.
#[derive(Debug)]
pub(crate) struct Line {
    messages: mpsc::Sender<Batch>,
    watch: Watch,
    task: JoinHandle<()>,
}

/// Where the news of all streams of a pipeline go.
pub(crate) type News = mpsc::Sender<(StreamId, Event)>;

impl Line {
    /// Opens a stream with that key; what becomes of it comes as news.
    pub(crate) fn open(
        client: &Client,
        key: &str,
        id: StreamId,
        profile: Profile,
        news: News,
    ) -> Self {
        let (messages, queue) = mpsc::channel(QUEUE);
        let (watch, left) = Watch::new();
        let opening = Opening {
            client: client.clone(),
            profile,
            key: key.to_owned(),
            teller: Teller { id, news },
        };
        let messages_out = Messages::new(queue, watch.clone());
        Self {
            messages,
            task: tokio::spawn(opening.run(messages_out, watch.clone(), left)),
            watch,
        }
    }

    /// Writes a batch. There is room: the machine waits until messages have left.
    pub(crate) fn send(&self, batch: Batch) {
        if let Err(mpsc::error::TrySendError::Full(batch)) = self.messages.try_send(batch) {
            // A stream that lacks a batch refuses the next one, and all is sent again on another.
            tracing::error!(batch = batch.batch_id, "the queue of a stream is full");
        }
    }

    /// Ends the own side, and returns when the server has ended its own or has had its time.
    pub(crate) async fn half_close(mut self) {
        let (closed, _) = mpsc::channel(1);
        self.messages = closed;
        // What is not over then is cancelled, as it is when nobody waits so long.
        let _is_over = tokio::time::timeout(LAST_WORDS, &mut self.task)
            .await
            .is_ok();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.watch.cancel();
        self.task.abort();
    }
}

/// Tells the pipeline of one stream.
struct Teller {
    id: StreamId,
    news: News,
}

impl Teller {
    /// Whether anybody still listens.
    async fn tell(&self, event: Event) -> bool {
        self.news.send((self.id, event)).await.is_ok()
    }
}

/// A stream that is to be opened.
struct Opening {
    client: Client,
    profile: Profile,
    key: String,
    teller: Teller,
}

impl Opening {
    async fn run(self, messages: Messages, watch: Watch, left: watch::Receiver<u64>) {
        let failure = match self.client.connection().await {
            Ok(connection) => {
                let mut use_of = Use {
                    client: &self.client,
                    connection: &connection,
                    is_in_doubt: true,
                };
                let failure = self.speak(&connection, messages, watch, left).await;
                use_of.is_in_doubt = matches!(failure, Failure::Transport | Failure::NotHttp2);
                failure
            }
            Err(failure) => failure,
        };
        self.teller.tell(Event::Ended(failure)).await;
    }

    /// Opens the stream on a connection, and speaks until it ends.
    async fn speak(
        &self,
        connection: &Connection,
        messages: Messages,
        watch: Watch,
        left: watch::Receiver<u64>,
    ) -> Failure {
        let Some(headers) = self.client.headers(&self.key) else {
            tracing::warn!("the API key holds characters which no header may have");
            return Failure::Status(Code::Unauthenticated);
        };
        let Ok(path) = PathAndQuery::try_from(self.client.method(self.profile)) else {
            return Failure::Status(Code::Unimplemented);
        };
        let service = connection.service(headers, watch);
        let mut grpc = Grpc::with_origin(service, self.client.origin().clone());
        if grpc.ready().await.is_err() {
            return Failure::Transport;
        }
        let mut watcher = Watcher {
            teller: &self.teller,
            look: connection.look(),
            left,
            told: 0,
            closing: Some(Box::pin(connection.closing())),
            owes_goodbye: false,
        };
        // Some servers answer only once they have a batch, so that the stream counts as open before.
        self.teller.tell(Event::Opened).await;
        let answer = grpc.streaming(tonic::Request::new(messages), path, Codec);
        let status = tokio::select! {
            biased;
            answer = answer => match answer {
                Ok(answer) => watcher.listen(answer.into_inner()).await,
                Err(status) => Some(status),
            },
            () = watcher.follow() => None,
        };
        status.map_or(Failure::ServerEof, |status| self.explain(&status))
    }

    fn explain(&self, status: &tonic::Status) -> Failure {
        if wants_calm(status) {
            self.client.calm_down();
        }
        let failure = failure_of_status(status);
        if let Failure::Status(Code::Unauthenticated | Code::PermissionDenied) = failure {
            self.client.key().refresh();
        }
        tracing::debug!(code = ?status.code(), message = status.message(), "a stateful stream ended");
        failure
    }
}

/// The use of a connection by a stream. One that is cancelled, or breaks, puts the connection in doubt: the next stream
/// gets another.
struct Use<'a> {
    client: &'a Client,
    connection: &'a Arc<Connection>,
    is_in_doubt: bool,
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if self.is_in_doubt {
            self.client.give_up(self.connection);
        }
    }
}

/// Follows an open stream. What it has begun to tell and could not, because an answer came first, it tells later.
struct Watcher<'a> {
    teller: &'a Teller,
    look: Arc<Notify>,
    left: watch::Receiver<u64>,
    /// Of the messages that have left, those that were told of.
    told: u64,
    /// Gone when the connection takes no further streams.
    closing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    owes_goodbye: bool,
}

impl Watcher<'_> {
    /// Passes on what the server says, until it ends; returns its status unless that is OK.
    async fn listen(&mut self, mut answers: Streaming<BatchStatus>) -> Option<tonic::Status> {
        loop {
            let answer = tokio::select! {
                // The end of a stream tells more than that of its connection.
                biased;
                answer = answers.message() => answer,
                () = self.follow() => return None,
            };
            match answer {
                Ok(Some(BatchStatus { batch_id, status })) => {
                    let event = Event::Acknowledged { batch_id, status };
                    self.teller.tell(event).await;
                    self.look.notify_one();
                }
                Ok(None) => return None,
                Err(status) => return Some(status),
            }
        }
    }

    /// Tells of what leaves, and that the connection takes no further streams, for ever.
    async fn follow(&mut self) {
        loop {
            let left = *self.left.borrow_and_update();
            if left > self.told {
                self.teller.tell(Event::Written(left)).await;
                self.told = left;
            }
            if self.owes_goodbye {
                self.teller.tell(Event::GoAway).await;
                self.owes_goodbye = false;
            }
            tokio::select! {
                changed = self.left.changed() => {
                    if changed.is_err() {
                        // The body is gone; the answer tells why.
                        std::future::pending::<()>().await;
                    }
                }
                () = is_closing(&mut self.closing) => {
                    self.closing = None;
                    self.owes_goodbye = true;
                }
                () = tokio::time::sleep(GO_AWAY_TICK) => {
                    self.look.notify_one();
                    // Again, for it changes nothing while the stream is not in use yet.
                    self.owes_goodbye = self.closing.is_none();
                }
            }
        }
    }
}

async fn is_closing(closing: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>) {
    match closing {
        Some(closing) => closing.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `follow` run as far as it gets, and drops it as an answer would.
    async fn interrupted(watcher: &mut Watcher<'_>) {
        tokio::select! {
            biased;
            () = watcher.follow() => {}
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn what_an_answer_interrupts_is_told_later() {
        let (news, mut heard) = mpsc::channel(1);
        let teller = Teller {
            id: StreamId(1),
            news,
        };
        let (left_now, left) = watch::channel(0);
        let mut watcher = Watcher {
            teller: &teller,
            look: Arc::default(),
            left,
            told: 0,
            closing: Some(Box::pin(std::future::ready(()))),
            owes_goodbye: false,
        };
        teller.tell(Event::Opened).await;
        left_now.send_replace(3);

        for _ in 0..2 {
            interrupted(&mut watcher).await;
        }
        assert_eq!(heard.recv().await, Some((StreamId(1), Event::Opened)));
        interrupted(&mut watcher).await;
        assert_eq!(heard.recv().await, Some((StreamId(1), Event::Written(3))));
        interrupted(&mut watcher).await;
        assert_eq!(heard.recv().await, Some((StreamId(1), Event::GoAway)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_wish_to_close_is_told_again_as_long_as_the_stream_stays() {
        let (news, mut heard) = mpsc::channel(1);
        let teller = Teller {
            id: StreamId(1),
            news,
        };
        let (_left_now, left) = watch::channel(0);
        let mut watcher = Watcher {
            teller: &teller,
            look: Arc::default(),
            left,
            told: 0,
            closing: Some(Box::pin(std::future::ready(()))),
            owes_goodbye: false,
        };
        for _ in 0..3 {
            let told = tokio::select! {
                () = watcher.follow() => None,
                told = heard.recv() => told,
            };
            assert_eq!(told, Some((StreamId(1), Event::GoAway)));
        }
    }
}
