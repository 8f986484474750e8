//! Frames out of a stream of bytes: each has its length in four bytes in front, the lowest first.
//!
//! Holds one frame at most, in a buffer of a fixed size, and takes frames apart in place. A frame longer than the limit
//! ends the stream, since nothing in it says where the next one would begin. Reads no socket and looks into no frame.

/// The length in front of a frame.
const HEAD_BYTES: usize = 4;

/// What has been read of a stream and not yet been taken.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// Bytes in the buffer.
    filled: usize,
    limit: usize,
}

/// A frame that is longer than the limit. It stays where it is, and so does everything behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge<'a> {
    /// Its bytes, as it says.
    pub(super) len: usize,
    /// Those that have been read.
    pub(super) read: &'a [u8],
}

impl Frames {
    /// For frames of at most `limit` bytes, the length in front not included.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: vec![0; limit.saturating_add(HEAD_BYTES)],
            filled: 0,
            limit,
        }
    }

    /// Where to read to. Never empty once [`Frames::take`] has gone well.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// So many bytes of the space were read.
    pub(super) fn filled(&mut self, read: usize) {
        self.filled = self.filled.saturating_add(read).min(self.buffer.len());
    }

    /// Whether part of a frame was read, the rest of which is missing.
    pub(super) const fn is_within_a_frame(&self) -> bool {
        self.filled > 0
    }

    /// Hands over the frames that are whole, but those without any bytes, in their order; keeps what is left.
    ///
    /// # Errors
    /// At the first frame that is too large, after those before it.
    pub(super) fn take(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), TooLarge<'_>> {
        let mut start = 0;
        let filled = self.buffer.get(..self.filled).unwrap_or_default();
        let mut too_large = None;
        while let Some((head, rest)) = filled.get(start..).and_then(|it| it.split_first_chunk()) {
            let len = u32::from_le_bytes(*head) as usize;
            if len > self.limit {
                too_large = Some(len);
                break;
            }
            let Some(frame) = rest.get(..len) else {
                break;
            };
            if !frame.is_empty() {
                each(frame);
            }
            start += HEAD_BYTES + len;
        }
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        match too_large {
            None => Ok(()),
            Some(len) => Err(TooLarge {
                len,
                read: self.buffer.get(HEAD_BYTES..self.filled).unwrap_or_default(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames in a stream that is read in pieces of these sizes, and the length of one that is too large.
    fn frames(limit: usize, stream: &[u8], pieces: usize) -> (Vec<Vec<u8>>, Option<usize>) {
        let mut frames = Frames::new(limit);
        let mut found = Vec::new();
        let mut rest = stream;
        while !rest.is_empty() {
            let space = frames.space();
            let read = pieces.min(space.len()).min(rest.len());
            assert!(read > 0, "there is room for more");
            let (piece, behind) = rest.split_at(read);
            space[..read].copy_from_slice(piece);
            rest = behind;
            frames.filled(read);
            if let Err(large) = frames.take(|frame| found.push(frame.to_vec())) {
                return (found, Some(large.len));
            }
        }
        (found, None)
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let stream = b"\x03\0\0\0abc\0\0\0\0\x05\0\0\0defgh\x01\0\0\0i";
        let expected = vec![b"abc".to_vec(), b"defgh".to_vec(), b"i".to_vec()];
        for pieces in 1..=stream.len() {
            assert_eq!(frames(5, stream, pieces), (expected.clone(), None));
        }
    }

    #[test]
    fn what_the_python_client_writes_to_a_stream_is_a_frame_with_its_last_line_feed() {
        let line = b"s.c:1|c|#dd.internal.entity_id:pod-uid,env:prod,service:svc,version:1.2|e:it-false,cn-web,pu-1234\n";
        let stream = [b"\x62\0\0\0", &line[..]].concat();
        assert_eq!(frames(8_192, &stream, 7), (vec![line.to_vec()], None));
    }

    #[test]
    fn a_frame_of_the_limit_is_taken_and_one_byte_more_ends_the_stream() {
        let stream = b"\x05\0\0\0abcde\x06\0\0\0fghijk\x01\0\0\0l";
        assert_eq!(frames(5, stream, 64), (vec![b"abcde".to_vec()], Some(6)));
        let huge = b"\xff\xff\xff\xffabc";
        assert_eq!(frames(5, huge, 1), (vec![], Some(u32::MAX as usize)));
    }

    #[test]
    fn what_was_read_of_a_frame_that_is_too_large_can_be_seen() {
        let mut frames = Frames::new(4);
        frames.space()[..8].copy_from_slice(b"\x05\0\0\0abcd");
        frames.filled(8);
        let read = b"abcd".as_slice();
        assert_eq!(frames.take(|_| {}), Err(TooLarge { len: 5, read }));
    }

    #[test]
    fn part_of_a_frame_is_noticed() {
        let mut frames = Frames::new(8);
        assert!(!frames.is_within_a_frame());
        frames.space()[..2].copy_from_slice(b"\x01\0");
        frames.filled(2);
        assert_eq!(frames.take(|_| {}), Ok(()));
        assert!(frames.is_within_a_frame());
    }
}
