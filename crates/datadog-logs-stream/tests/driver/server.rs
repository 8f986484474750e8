//! Servers that are no intake: bytes by hand, and gRPC by hand for what the intake cannot be asked to do.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use datadog_wire::stateful::a::{BatchStatus, StatefulBatch};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A server that does with each connection what it was told, and counts those that are open.
pub(crate) struct Server {
    addr: SocketAddr,
    open: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start<F: Future<Output = ()> + Send>(
        serve: impl Fn(TcpStream) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (open, accepted) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (open_now, so_far, serve) = (Arc::clone(&open), Arc::clone(&accepted), Arc::new(serve));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (open, serve) = (Arc::clone(&open_now), Arc::clone(&serve));
                open.fetch_add(1, Ordering::SeqCst);
                so_far.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    serve(stream).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            addr,
            open,
            accepted,
            task,
        }
    }

    /// Passes everything on to another server.
    pub(crate) async fn before(behind: SocketAddr) -> Self {
        Self::start(move |mut stream| async move {
            let mut behind = TcpStream::connect(behind).await.unwrap();
            let _ended = tokio::io::copy_bidirectional(&mut stream, &mut behind)
                .await
                .is_err();
        })
        .await
    }

    /// Speaks gRPC.
    pub(crate) async fn grpc(conduct: Conduct) -> Self {
        Self::start(move |stream| async move {
            let service = service_fn(move |request| serve(request, conduct));
            let _ended = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(conduct.window_bytes)
                .serve_connection(TokioIo::new(stream), service)
                .await
                .is_err();
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Connections since the start.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until so many connections are open.
    pub(crate) async fn until_open(&self, wanted: usize) {
        let seen = async {
            while self.open() != wanted {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), seen).await;
        assert!(in_time.is_ok(), "{} connections are open", self.open());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads to the end and says nothing.
pub(crate) async fn swallow(mut stream: TcpStream) {
    let mut piece = vec![0; 64 << 10];
    while stream.read(&mut piece).await.is_ok_and(|read| read > 0) {}
}

/// How a server of gRPC behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conduct {
    /// Whether the head of the answer comes only with the first acknowledgement, as some libraries have it.
    pub(crate) is_late: bool,
    /// Whether batches are read and acknowledged.
    pub(crate) acknowledges: bool,
    /// Whether the stream is ended when the client has ended its side.
    pub(crate) ends: bool,
    pub(crate) window_bytes: u32,
}

/// One that does everything right.
pub(crate) const GOOD: Conduct = Conduct {
    is_late: false,
    acknowledges: true,
    ends: true,
    window_bytes: 1 << 20,
};

type Answer =
    StreamBody<futures_util::stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

async fn serve(
    request: Request<Incoming>,
    conduct: Conduct,
) -> Result<Response<Answer>, Infallible> {
    let (frames, mut answers) = mpsc::channel(16);
    tokio::spawn(talk(request.into_body(), frames, conduct));
    let first = match conduct.is_late {
        true => answers.recv().await,
        false => None,
    };
    let rest = futures_util::stream::unfold(answers, |mut answers| async {
        Some((answers.recv().await?, answers))
    });
    let frames = futures_util::StreamExt::chain(futures_util::stream::iter(first), rest);
    let frames = futures_util::StreamExt::map(frames, Ok);
    let mut response = Response::new(StreamBody::new(futures_util::StreamExt::boxed(frames)));
    let grpc = hyper::header::HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    Ok(response)
}

/// Reads batches and answers them.
async fn talk(mut body: Incoming, answers: mpsc::Sender<Frame<Bytes>>, conduct: Conduct) {
    let mut read = BytesMut::new();
    while conduct.acknowledges
        && let Some(Ok(frame)) = body.frame().await
    {
        read.extend_from_slice(&frame.into_data().unwrap_or_default());
        while let Some(batch_id) = next_batch(&mut read) {
            let status = BatchStatus {
                batch_id,
                status: 1,
            };
            let message = status.encode_to_vec();
            let length = u32::try_from(message.len()).unwrap();
            let framed = [&[0][..], &length.to_be_bytes(), &message].concat();
            if answers.send(Frame::data(framed.into())).await.is_err() {
                return;
            }
        }
    }
    if !conduct.acknowledges || !conduct.ends {
        // Until the client has had enough.
        answers.closed().await;
    }
    let mut trailers = hyper::HeaderMap::new();
    trailers.insert("grpc-status", hyper::header::HeaderValue::from_static("0"));
    let _unheard = answers.send(Frame::trailers(trailers)).await.is_err();
}

fn next_batch(read: &mut BytesMut) -> Option<u32> {
    let length: [u8; 4] = read.get(1..5)?.try_into().unwrap();
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
    if read.len() < 5 + length {
        return None;
    }
    read.advance(5);
    let message = read.split_to(length);
    Some(StatefulBatch::decode(message).unwrap().batch_id)
}
