//! A client of stateful streams: gRPC by hand over HTTP/2, and batches of known bytes. Nothing of the agent's.

use std::convert::Infallible;

use bytes::{Buf, Bytes, BytesMut};
use datadog_dev_intake::{Intake, Snapshot, StreamSnapshot};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub(crate) use datadog_wire::stateful::{METHOD_A, METHOD_C, a, c};

pub(crate) const KEY: (&str, &str) = ("dd-api-key", "0123456789abcdef");

/// `ERROR Connection from  timed out after `.
const TEMPLATE: &str =
    "4552524f5220436f6e6e656374696f6e2066726f6d202074696d6564206f757420616674657220";

/// Three logs of one pattern, in generation A: the bytes of `DatumSequence`.
pub(crate) fn three_logs_a() -> Vec<u8> {
    sequence(&[
        &format!("0a31 0801 1227 {TEMPLATE} 1802 2202 1627"),
        "1a2a0801 1226 656e763a70726f642c686f73746e616d653a7765622d312c6464736f757263653a6e67696e78",
        "1a090802 1205 6572726f72",
        "3226 0880a0abfef962 1213 120a1a0831302e302e302e35 12051a03343573 2204 0a022001 3202 2002",
        "3217 080e 1213 120a1a0831302e302e302e36 12051a03313273",
        "3217 0805 1213 120a1a0831302e302e302e37 12051a03333073",
    ])
}

/// The messages of those logs.
pub(crate) const THREE_MESSAGES: [&str; 3] = [
    "ERROR Connection from 10.0.0.5 timed out after 45s",
    "ERROR Connection from 10.0.0.6 timed out after 12s",
    "ERROR Connection from 10.0.0.7 timed out after 30s",
];

/// Two logs of that pattern and one of none, in generation C: the bytes of `LogDatumSequence`.
pub(crate) fn three_logs_c() -> Vec<u8> {
    sequence(&[
        "0a0c 0802 1208 656e763a70726f64",
        "0a09 0803 1205 6572726f72",
        &format!("122f 0802 1227 {TEMPLATE} 2202 1627"),
        "2222 0880a0abfef962 1003 1801 2002 320a1a0831302e302e302e35 32051a03343573 4001",
        "2215 080e 320a1a0831302e302e302e36 32051a03313273",
        "2205 0805 3a0178",
    ])
}

/// Datums as hexadecimal digits, each as a field of the sequence.
fn sequence(datums: &[&str]) -> Vec<u8> {
    let datums = datums.iter().map(|digits| hex(digits));
    datums
        .flat_map(|datum| [&[0x0a, u8::try_from(datum.len()).unwrap()][..], &datum].concat())
        .collect()
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A log of generation A that is sent as it is.
pub(crate) fn raw_a(text: &str) -> a::datum::Data {
    a::datum::Data::Logs(a::Log {
        content: Some(a::log::Content::Raw(text.to_owned())),
        ..a::Log::default()
    })
}

/// A log of generation A with a pattern; 0 for that of the log before.
pub(crate) fn structured_a(pattern_id: u64, values: &[&str]) -> a::datum::Data {
    let value = |text: &&str| a::DynamicValue {
        value: Some(a::dynamic_value::Value::StringValue((*text).to_owned())),
    };
    a::datum::Data::Logs(a::Log {
        content: Some(a::log::Content::Structured(a::StructuredLog {
            pattern_id,
            dynamic_values: values.iter().map(value).collect(),
            ..a::StructuredLog::default()
        })),
        ..a::Log::default()
    })
}

/// The definition of a pattern of generation A.
pub(crate) fn pattern_a(pattern_id: u64, template: &str, pos_list: &[u32]) -> a::datum::Data {
    a::datum::Data::PatternDefine(a::PatternDefine {
        pattern_id,
        template: template.to_owned(),
        param_count: u32::try_from(pos_list.len()).unwrap(),
        pos_list: pos_list.to_vec(),
    })
}

/// The bytes of a `DatumSequence`.
pub(crate) fn datums_a(datums: Vec<a::datum::Data>) -> Vec<u8> {
    let data = datums
        .into_iter()
        .map(|data| a::Datum { data: Some(data) })
        .collect();
    a::DatumSequence { data }.encode_to_vec()
}

/// A `StatefulBatch`.
pub(crate) fn batch(batch_id: u32, data: impl Into<Vec<u8>>) -> Vec<u8> {
    let data = data.into().into();
    a::StatefulBatch { batch_id, data }.encode_to_vec()
}

/// A message in its frame.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    [&[0][..], &length.to_be_bytes(), message].concat().into()
}

type Sent = Result<Frame<Bytes>, Infallible>;
type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// One connection over HTTP/2, for any number of streams.
pub(crate) struct Connection {
    sender: SendRequest<Body>,
    task: JoinHandle<Result<(), hyper::Error>>,
    url: String,
}

impl Connection {
    pub(crate) async fn to(intake: &Intake) -> Self {
        let stream = TcpStream::connect(intake.addr()).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        Self {
            sender,
            task: tokio::spawn(connection),
            url: intake.url(),
        }
    }

    /// Opens a stream, or says why there was no answer at all.
    pub(crate) async fn try_open(
        &mut self,
        method: &str,
        metadata: &[(&str, &str)],
    ) -> Result<Call, hyper::Error> {
        let (sender, receiver) = mpsc::channel::<Sent>(64);
        let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
            Some((receiver.recv().await?, receiver))
        });
        let mut request = Request::post(format!("{}{method}", self.url))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let body = StreamBody::new(frames).boxed_unsync();
        let response = self.sender.send_request(request.body(body).unwrap());
        let (parts, body) = response.await?.into_parts();
        Ok(Call {
            status: parts.status,
            headers: parts.headers,
            sender: Some(sender),
            body,
            read: BytesMut::new(),
            trailers: HeaderMap::new(),
        })
    }

    pub(crate) async fn open(&mut self, method: &str, metadata: &[(&str, &str)]) -> Call {
        self.try_open(method, metadata).await.unwrap()
    }

    /// Waits until the connection is over.
    pub(crate) async fn closed(self) {
        drop(self.sender);
        let _ended = self.task.await;
    }
}

/// One open stream.
pub(crate) struct Call {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    sender: Option<mpsc::Sender<Sent>>,
    body: Incoming,
    read: BytesMut,
    trailers: HeaderMap,
}

/// How a stream ended: its status, and the words beside it.
pub(crate) type Status = (Option<u16>, String);

impl Call {
    /// Sends a batch.
    pub(crate) async fn send(&self, batch_id: u32, data: impl Into<Vec<u8>>) {
        self.send_bytes(framed(&batch(batch_id, data))).await;
    }

    /// Sends bytes as they are. The other side may already have ended the stream.
    pub(crate) async fn send_bytes(&self, bytes: impl Into<Bytes>) {
        let frame = Ok(Frame::data(bytes.into()));
        let _sent = self.sender.as_ref().unwrap().send(frame).await;
    }

    /// Says that nothing more is sent.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }

    /// The next answer; `None` at the end, or where the connection broke.
    pub(crate) async fn answer(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.read.len() >= 5 {
                let length =
                    usize::try_from(u32::from_be_bytes(self.read[1..5].try_into().unwrap()));
                let length = length.unwrap();
                if self.read.len() >= 5 + length {
                    self.read.advance(5);
                    return Some(self.read.split_to(length).to_vec());
                }
            }
            let frame = self.body.frame().await?.ok()?;
            match frame.into_data() {
                Ok(data) => self.read.extend_from_slice(&data),
                Err(frame) => self.trailers = frame.into_trailers().unwrap(),
            }
        }
    }

    /// Sends a batch and expects it to be acknowledged.
    #[track_caller]
    pub(crate) fn deliver(
        &mut self,
        batch_id: u32,
        data: impl Into<Vec<u8>>,
    ) -> impl Future<Output = ()> {
        let data = data.into();
        async move {
            self.send(batch_id, data).await;
            let ok = a::batch_status::Status::Ok.into();
            let expected = a::BatchStatus {
                batch_id,
                status: ok,
            };
            assert_eq!(self.answer().await, Some(expected.encode_to_vec()));
        }
    }

    /// Reads on to the end, which must come without another answer.
    pub(crate) async fn end(&mut self) -> Status {
        assert_eq!(self.answer().await, None);
        let words = |headers: &HeaderMap| {
            let status = headers.get("grpc-status")?.to_str().unwrap();
            let message = headers
                .get("grpc-message")
                .map(|value| value.to_str().unwrap());
            Some((
                status.parse().unwrap(),
                message.unwrap_or_default().to_owned(),
            ))
        };
        match words(&self.trailers).or_else(|| words(&self.headers)) {
            Some((status, message)) => (Some(status), message),
            None => (None, String::new()),
        }
    }
}

/// A stream on a connection of its own.
pub(crate) async fn open(intake: &Intake, method: &str) -> Call {
    Connection::to(intake).await.open(method, &[KEY]).await
}

/// How the stream of that number stands.
pub(crate) fn stream(intake: &Intake, number: u64) -> StreamSnapshot {
    let streams = intake.streams();
    let found = streams.into_iter().find(|stream| stream.stream == number);
    found.unwrap()
}

/// Waits until the stream of that number ended.
pub(crate) async fn ended(intake: &Intake, number: u64) -> StreamSnapshot {
    let has_ended = |_: &Snapshot| stream(intake, number).ended.is_some();
    intake.expect(has_ended, "the end of a stream").await;
    stream(intake, number)
}
