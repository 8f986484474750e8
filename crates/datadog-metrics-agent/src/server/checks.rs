//! What must hold of any stream of frames: run by the fuzz target on bytes it makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::frames::Frames;

/// Bytes of the input that say how the rest is read: the limit of a frame, and the sizes of two reads in turn.
const CHOICES: usize = 3;

/// Reads a stream in pieces. What comes out is what stands in it, whatever the pieces, and there is always room for the
/// next one.
pub fn stream(input: &[u8]) {
    let Some((&[limit, first, second], stream)) = input.split_first_chunk::<CHOICES>() else {
        return;
    };
    let limit = usize::from(limit);
    let (expected, expected_end) = read_whole(stream, limit);
    for pieces in [[first, second], [second, first], [0, 0], [255, 255]] {
        let pieces = pieces.map(|piece| usize::from(piece) + 1);
        let (found, end) = read_in_pieces(stream, limit, pieces);
        assert_eq!(found, expected, "limit {limit}, pieces {pieces:?}");
        assert_eq!(end, expected_end, "limit {limit}, pieces {pieces:?}");
    }
}

/// How a stream ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Behind a frame.
    Clean,
    /// Within a frame.
    Within,
    /// At a frame that says it has this many bytes.
    TooLarge(usize),
}

/// The frames of a stream all of which is there.
fn read_whole(mut stream: &[u8], limit: usize) -> (Vec<&[u8]>, End) {
    let mut frames = Vec::new();
    while !stream.is_empty() {
        let Some((&head, rest)) = stream.split_first_chunk::<4>() else {
            return (frames, End::Within);
        };
        let len = head
            .iter()
            .rev()
            .fold(0_usize, |len, &byte| len * 256 + usize::from(byte));
        if len > limit {
            return (frames, End::TooLarge(len));
        }
        if rest.len() < len {
            return (frames, End::Within);
        }
        let (frame, behind) = rest.split_at(len);
        if len > 0 {
            frames.push(frame);
        }
        stream = behind;
    }
    (frames, End::Clean)
}

fn read_in_pieces(mut stream: &[u8], limit: usize, pieces: [usize; 2]) -> (Vec<Vec<u8>>, End) {
    let mut frames = Frames::new(limit);
    let mut found = Vec::new();
    for piece in pieces.into_iter().cycle() {
        let space = frames.space();
        assert!(!space.is_empty(), "a read would seem to be the end");
        let read = piece.min(space.len()).min(stream.len());
        let (now, later) = stream.split_at(read);
        space[..read].copy_from_slice(now);
        stream = later;
        frames.filled(read);
        let too_large = frames.take(|frame| found.push(frame.to_vec())).err();
        let too_large = too_large.map(|large| {
            assert!(large.read.len() <= limit);
            large.len
        });
        let end = match too_large {
            Some(len) => Some(End::TooLarge(len)),
            None if read > 0 => None,
            None if frames.is_within_a_frame() => Some(End::Within),
            None => Some(End::Clean),
        };
        if let Some(end) = end {
            return (found, end);
        }
    }
    unreachable!("pieces come again and again")
}
