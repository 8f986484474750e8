//! Datagrams of DogStatsD, protocol 1.0 to 1.6: bytes in, messages out.
//!
//! A datagram, or a frame of a stream, holds messages that are separated by line feeds. Each becomes a metric, an
//! event or a service check that borrows from it, or an error of its own; a bad message spoils no other.
//! Nothing is allocated, and nothing is decided that needs configuration beyond [`Options`]: enrichment, namespaces,
//! sample rates and limits belong to whoever takes the messages.

#[cfg(any(test, fuzzing))]
pub mod checks;
mod event;
mod metric;
mod number;
mod origin;
mod service_check;
mod text;

pub use event::{AlertType, Event, Priority};
pub use metric::{Metric, Sample};
pub use number::Numbers;
pub use origin::{Cardinality, ExternalData, LocalData, Origin};
pub use service_check::{ServiceCheck, Status};
pub use text::{Escaped, Tags, Text};

/// What of a message is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the timestamp of a metric counts; if not, it is skipped, valid or not. Default: yes.
    pub timestamps: bool,
    /// Whether the fields count with which a client says where it runs; if not, they are skipped. Default: no.
    pub client_origin: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timestamps: true,
            client_origin: false,
        }
    }
}

/// A message that could be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Message<'a> {
    /// Values of a metric.
    Metric(Metric<'a>),
    /// Something that happened.
    Event(Event<'a>),
    /// The state of something.
    ServiceCheck(ServiceCheck<'a>),
}

/// What a message is, by how it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Everything that is none of the others.
    Metric,
    /// Starts with `_e{`.
    Event,
    /// Starts with `_sc`.
    ServiceCheck,
}

/// Why a message could not be read. All of it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at byte {position} of the datagram")]
pub struct Error {
    /// What the message would have been.
    pub kind: Kind,
    /// What is wrong with it.
    pub reason: Reason,
    /// Where the part of the message starts with which it is wrong, in bytes from the start of the datagram.
    pub position: usize,
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A metric has no type, or a service check has no status, because a `|` is missing.
    #[error("there is no field after the first")]
    NoFields,
    /// A metric has no `:` between name and value.
    #[error("the metric has no value")]
    NoValue,
    /// The name is empty.
    #[error("the name is empty")]
    EmptyName,
    /// The name of a metric is not UTF-8.
    #[error("the name is not UTF-8")]
    NameNotUtf8,
    /// A metric has a value that is no number.
    #[error("a value is no number")]
    Value,
    /// The type of a metric is none of `c`, `g`, `ms`, `h`, `s`, `d`.
    #[error("the type of the metric is unknown")]
    Type,
    /// The sample rate is no number.
    #[error("the sample rate is no number")]
    Rate,
    /// The timestamp of a metric is no whole number of seconds, or below 1.
    #[error("the timestamp is no positive number of seconds")]
    Timestamp,
    /// The start of an event is not `_e{TITLE,TEXT}:` with two lengths, or that of a check not `_sc|`.
    #[error("the header is malformed")]
    Header,
    /// The title of an event has the length 0.
    #[error("the title of the event is empty")]
    EmptyTitle,
    /// An event is shorter than its lengths say.
    #[error("the event is shorter than it says")]
    Truncated,
    /// The status of a service check is none of 0, 1, 2, 3.
    #[error("the status of the service check is unknown")]
    Status,
}

/// A reason, and where in the message it is.
type Fault = (Reason, usize);

/// The messages of a datagram, in their order. Empty lines are none.
///
/// A carriage return before the end of a line is not part of the message.
pub fn messages<'a>(datagram: &'a [u8], options: &Options) -> Messages<'a> {
    Messages {
        rest: datagram,
        position: 0,
        options: *options,
    }
}

/// Iterator of the messages of a datagram; see [`messages`].
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
    /// Where `rest` starts.
    position: usize,
    options: Options,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let start = self.position;
            let (line, rest) = cut(self.rest, b'\n');
            self.rest = rest.unwrap_or_default();
            self.position += line.len() + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                return Some(
                    message(line, &self.options).map_err(|(kind, (reason, at))| Error {
                        kind,
                        reason,
                        position: start + at,
                    }),
                );
            }
        }
        None
    }
}

#[inline]
fn message<'a>(line: &'a [u8], options: &Options) -> Result<Message<'a>, (Kind, Fault)> {
    if line.first() == Some(&b'_') {
        if line.starts_with(b"_e{") {
            return Event::parse(line, options)
                .map(Message::Event)
                .map_err(|fault| (Kind::Event, fault));
        }
        if line.starts_with(b"_sc") {
            return ServiceCheck::parse(line, options)
                .map(Message::ServiceCheck)
                .map_err(|fault| (Kind::ServiceCheck, fault));
        }
    }
    Metric::parse(line, options)
        .map(Message::Metric)
        .map_err(|fault| (Kind::Metric, fault))
}

/// What stands before a byte, and after it if it is there.
#[inline]
fn cut(bytes: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, bytes) {
        Some(index) => (
            bytes.get(..index).unwrap_or_default(),
            bytes.get(index + 1..),
        ),
        None => (bytes, None),
    }
}

/// The optional fields of a message: what stands between bars, each with its place in the message.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    position: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the end of a message, which starts at this place; without a bar there are none.
    fn new(rest: Option<&'a [u8]>, position: usize) -> Self {
        Self { rest, position }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], usize);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (field, rest) = cut(self.rest?, b'|');
        let position = self.position;
        self.rest = rest;
        self.position += field.len() + 1;
        Some((field, position))
    }
}

#[cfg(test)]
mod tests;
