//! Clients: a fixed number of connections that stay open, each with one request under way at most.
//!
//! Either as fast as the answers come, or at a fixed rate: then what a request waits for the one before it counts as
//! its latency too.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::kinds::{self, Kind};

const CONNECTIONS: usize = 16;
/// Different requests of each kind.
const VARIANTS: usize = 16;
/// A server that does not answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request as it goes over the wire.
pub(crate) struct Prepared {
    name: &'static str,
    bytes: Vec<u8>,
    is_attack: bool,
}

/// When the next request is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// When the last was answered.
    Closed,
    /// At so many a second, over all connections.
    Open(f64),
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) attacks: usize,
    pub(crate) attacks_refused: usize,
    pub(crate) others: usize,
    pub(crate) others_refused: usize,
    pub(crate) took: Duration,
    /// In microseconds, in ascending order.
    latencies: Vec<f64>,
}

impl Tally {
    pub(crate) fn requests(&self) -> usize {
        self.attacks + self.others
    }

    /// The latency that so many of a hundred requests had at most, in microseconds.
    pub(crate) fn percentile(&self, share: usize) -> f64 {
        let at = (self.latencies.len() * share / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or(f64::NAN)
    }

    fn add(&mut self, other: Self) {
        self.attacks += other.attacks;
        self.attacks_refused += other.attacks_refused;
        self.others += other.others;
        self.others_refused += other.others_refused;
        self.latencies.extend(other.latencies);
    }
}

/// All kinds by their shares, mixed.
pub(crate) fn prepared() -> Vec<Prepared> {
    let kinds: Vec<Kind> = (0..VARIANTS).flat_map(kinds::all).collect();
    let shares = kinds.iter().flat_map(|kind| vec![kind; kind.share]);
    let mut mix: Vec<(usize, Prepared)> = shares
        .enumerate()
        .map(|(place, kind)| (place * 7_919 % (20 * VARIANTS), on_the_wire(kind)))
        .collect();
    mix.sort_by_key(|(place, _)| *place);
    mix.into_iter().map(|(_, request)| request).collect()
}

fn on_the_wire(kind: &Kind) -> Prepared {
    let request = &kind.request;
    let headers: String = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let head = format!(
        "{} {} HTTP/1.1\r\n{headers}\r\n",
        request.method, request.uri
    );
    Prepared {
        name: kind.name,
        bytes: [head.as_bytes(), request.body.as_deref().unwrap_or_default()].concat(),
        is_attack: kind.is_attack,
    }
}

/// Sends requests of the mix for so long, and waits for the last answers.
pub(crate) fn drive(address: SocketAddr, mix: &[Prepared], pace: Pace, lasts: Duration) -> Tally {
    let begin = Instant::now();
    let mut all = Tally::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                let mut client = Client::connect(address);
                scope.spawn(move || client.run(mix, number, pace, lasts))
            })
            .collect();
        for client in clients {
            all.add(client.join().unwrap());
        }
    });
    all.took = begin.elapsed();
    all.latencies.sort_by(f64::total_cmp);
    all
}

/// One connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            stream,
            buffer: vec![0; 64 << 10],
        }
    }

    fn run(&mut self, mix: &[Prepared], number: usize, pace: Pace, lasts: Duration) -> Tally {
        let mut tally = Tally::default();
        let begin = Instant::now();
        let requests = mix.iter().cycle().skip(number * mix.len() / CONNECTIONS);
        for (sent, request) in (0_u32..).zip(requests) {
            let due = match pace {
                Pace::Closed => begin.elapsed(),
                Pace::Open(rate) => {
                    let pause = Duration::from_secs_f64(CONNECTIONS as f64 / rate);
                    let shift = pause.mul_f64(number as f64 / CONNECTIONS as f64);
                    pause * sent + shift
                }
            };
            if due >= lasts {
                break;
            }
            thread::sleep(due.saturating_sub(begin.elapsed()));
            let status = self.ask(&request.bytes);
            assert!(
                matches!(status, 200 | 201 | 403),
                "{status} for {}",
                request.name
            );
            let is_refused = status == 403;
            let latency = begin.elapsed().saturating_sub(due);
            tally.latencies.push(latency.as_secs_f64() * 1e6);
            if request.is_attack {
                tally.attacks += 1;
                tally.attacks_refused += usize::from(is_refused);
            } else {
                tally.others += 1;
                tally.others_refused += usize::from(is_refused);
            }
        }
        tally
    }

    /// The status of the answer, which is read to its end.
    fn ask(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).unwrap();
        let mut read = 0;
        loop {
            let more = self.stream.read(&mut self.buffer[read..]).unwrap();
            assert!(more > 0, "the server closed the connection");
            read += more;
            if let Some(status) = answer(&self.buffer[..read]) {
                return status;
            }
        }
    }
}

/// The status of an answer, if all of it is there.
fn answer(bytes: &[u8]) -> Option<u16> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (bytes.len() >= end + 4 + length).then_some(status)
}
