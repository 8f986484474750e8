//! Reads lines in bounded memory and gives each a time of arrival.
//!
//! A line ends at `\n` or `\r\n`, which are not part of it. One that no request could hold is cut into pieces, each
//! an entry of its own as the log pipeline makes it, and nothing of it is lost.

use std::io::{self, BufRead};

/// Bytes of the longest piece. Six times as many, for text that is all escapes, still fit into one request.
const LONGEST_PIECE: usize = 800_000;

/// When the first line arrives, in Unix milliseconds.
const FIRST_ARRIVAL_MS: i64 = 1_700_000_000_000;
/// The longest pause between two lines.
const LONGEST_PAUSE_MS: u64 = 100;
/// The increment and factor of Knuth's linear congruential generator of 64 bits.
const INCREMENT: u64 = 1_442_695_040_888_963_407;
const FACTOR: u64 = 6_364_136_223_846_793_005;

/// What is sent for one line, or for a piece of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Its bytes.
    pub(super) body: &'a [u8],
    /// When it arrived, in Unix milliseconds.
    pub(super) timestamp_ms: i64,
    /// Whether it begins a line rather than going on with one.
    pub(super) begins_line: bool,
}

/// The entries that are held of an input: at most a batch, and as many bytes as a request may have.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    arrivals: Arrivals,
    /// What was read of a line that has no end yet.
    open: Vec<u8>,
    /// Whether the next piece goes on with a line.
    inside_line: bool,
    text: Vec<u8>,
    /// End in `text`, time, and whether it begins a line, of each entry.
    entries: Vec<(usize, i64, bool)>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            arrivals: Arrivals::default(),
            open: Vec::new(),
            inside_line: false,
            text: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Reads until `entries` are held, or `bytes` of them, or the input ends.
    pub(super) fn fill(&mut self, entries: usize, bytes: usize) -> io::Result<()> {
        while self.entries.len() < entries && self.text.len() < bytes && self.read_piece()? {}
        Ok(())
    }

    /// The entries that are held.
    pub(super) fn held(&self) -> Vec<Entry<'_>> {
        let mut start = 0;
        let entry = |&(end, timestamp_ms, begins_line): &(usize, i64, bool)| {
            let body = &self.text[start..end];
            start = end;
            Entry {
                body,
                timestamp_ms,
                begins_line,
            }
        };
        self.entries.iter().map(entry).collect()
    }

    /// Forgets the first `count` of the entries.
    pub(super) fn forget(&mut self, count: usize) {
        let gone = self.entries.drain(..count).next_back();
        let bytes = gone.map_or(0, |(end, ..)| end);
        self.text.drain(..bytes);
        for (end, ..) in &mut self.entries {
            *end -= bytes;
        }
    }

    /// Takes the next piece in; `false` at the end of the input.
    fn read_piece(&mut self) -> io::Result<bool> {
        loop {
            // With two bytes more than a piece may have there is something left for the next one, whatever follows.
            let room = LONGEST_PIECE + 2 - self.open.len();
            let buffer = self.source.fill_buf()?;
            let looked_at = &buffer[..buffer.len().min(room)];
            if looked_at.is_empty() {
                let is_line = !self.open.is_empty();
                if is_line {
                    self.keep(self.open.len(), false);
                }
                return Ok(is_line);
            }
            let end = looked_at.iter().position(|&byte| byte == b'\n');
            let read = end.unwrap_or(looked_at.len());
            self.open.extend_from_slice(&looked_at[..read]);
            self.source.consume(read + usize::from(end.is_some()));
            if end.is_some() {
                if self.open.last() == Some(&b'\r') {
                    self.open.pop();
                }
                self.keep(self.open.len(), false);
                return Ok(true);
            }
            if self.open.len() == LONGEST_PIECE + 2 {
                self.keep(last_boundary(&self.open), true);
                return Ok(true);
            }
        }
    }

    /// Makes the first `length` bytes of what is open an entry.
    fn keep(&mut self, length: usize, line_goes_on: bool) {
        self.text.extend(self.open.drain(..length));
        let at_ms = self.arrivals.next();
        self.entries
            .push((self.text.len(), at_ms, !self.inside_line));
        self.inside_line = line_goes_on;
    }
}

/// Where to cut so that no character of UTF-8 is divided.
fn last_boundary(text: &[u8]) -> usize {
    let begins_character = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80);
    (LONGEST_PIECE - 3..=LONGEST_PIECE)
        .rev()
        .find(begins_character)
        .unwrap_or(LONGEST_PIECE)
}

/// Times as irregular as arrivals are, and the same in every run.
#[derive(Debug)]
struct Arrivals {
    now_ms: i64,
    state: u64,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            now_ms: FIRST_ARRIVAL_MS,
            state: INCREMENT,
        }
    }
}

impl Arrivals {
    fn next(&mut self) -> i64 {
        self.state = self.state.wrapping_mul(FACTOR).wrapping_add(INCREMENT);
        // The high bits are the random ones.
        let pause = (self.state >> 33) % (LONGEST_PAUSE_MS + 1);
        self.now_ms += i64::try_from(pause).unwrap_or_default();
        self.now_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every entry, with whether it begins a line.
    fn read(text: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(7, text));
        lines.fill(usize::MAX, usize::MAX).unwrap();
        let entry = |entry: &Entry<'_>| (entry.body.to_vec(), entry.begins_line);
        lines.held().iter().map(entry).collect()
    }

    fn check(text: &[u8], expected: &[&[u8]]) {
        let expected: Vec<_> = expected.iter().map(|line| (line.to_vec(), true)).collect();
        assert_eq!(read(text), expected);
    }

    #[test]
    fn a_line_ends_at_a_line_feed_with_or_without_a_carriage_return() {
        check(b"", &[]);
        check(b"\n", &[b""]);
        check(b"a\nb\r\nc", &[b"a", b"b", b"c"]);
        check(b"a\r\r\n\r\nb\r", &[b"a\r", b"", b"b\r"]);
    }

    #[test]
    fn a_line_that_no_request_could_hold_is_cut_between_characters_and_kept_whole() {
        for (length, pieces) in [
            (LONGEST_PIECE, 1),
            (LONGEST_PIECE + 1, 2),
            (LONGEST_PIECE * 2, 2),
        ] {
            let text = [vec![b'x'; length], b"\r\nnext".to_vec()].concat();
            let entries = read(&text);
            assert_eq!(entries.len(), pieces + 1, "{length}");
            let line: Vec<u8> = entries[..pieces]
                .iter()
                .flat_map(|(body, _)| body.clone())
                .collect();
            assert_eq!(line.len(), length);
            let begins: Vec<_> = entries.iter().map(|&(_, begins)| begins).collect();
            assert_eq!(begins.iter().filter(|&&begins| begins).count(), 2);
            assert!(begins[0] && begins[pieces]);
        }
        let text = format!("x{}", "é".repeat(LONGEST_PIECE));
        assert!(
            read(text.as_bytes())
                .iter()
                .all(|(body, _)| std::str::from_utf8(body).is_ok())
        );
    }

    #[test]
    fn what_is_forgotten_makes_room_and_the_rest_stays() {
        let mut lines = Lines::new(&b"a\nbb\nccc\nd"[..]);
        lines.fill(3, usize::MAX).unwrap();
        let times: Vec<_> = lines
            .held()
            .iter()
            .map(|entry| entry.timestamp_ms)
            .collect();
        lines.forget(2);
        lines.fill(3, usize::MAX).unwrap();
        let bodies: Vec<_> = lines.held().iter().map(|entry| entry.body).collect();
        assert_eq!(bodies, [&b"ccc"[..], b"d"]);
        assert_eq!(lines.held()[0].timestamp_ms, times[2]);
        lines.forget(2);
        assert!(lines.held().is_empty());
    }

    #[test]
    fn pauses_between_lines_are_irregular_and_bounded() {
        let mut arrivals = Arrivals::default();
        let times: Vec<_> = (0..10_000).map(|_| arrivals.next()).collect();
        let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.iter().all(|pause| (0..=100).contains(pause)));
        let mean = pauses.iter().sum::<i64>() / 9_999;
        assert!((45..=55).contains(&mean), "{mean}");
    }
}
