//! Where the tokens of a line go.

use super::TooLarge;
use super::dispatch::Found;
use super::signature::Signature;
use crate::token::{Kind, Room};

/// The tokens so far, and what they add up to.
#[derive(Default)]
pub(super) struct Output<'a> {
    room: Room<'a>,
    len: usize,
    pub(super) signature: Signature,
}

impl<'a> Output<'a> {
    /// No tokens, and room for some.
    pub(super) fn new(room: Room<'a>, signature: Signature) -> Self {
        Self {
            room,
            len: 0,
            signature,
        }
    }

    /// The kinds so far.
    #[inline]
    pub(super) fn kinds(&self) -> &[Kind] {
        &self.room.kinds[..self.len]
    }

    /// Adds to the signature what counts of a token with these bytes.
    #[inline]
    pub(super) fn sign(&mut self, found: &Found, bytes: &[u8]) {
        match (found.kind, bytes) {
            (Kind::Special | Kind::Space, [byte]) => {
                self.signature.add_code(code(found.kind, *byte));
            }
            (Kind::Space | Kind::Structure, _) => {
                self.signature = self.signature.with_bytes(found.kind, bytes);
            }
            (kind, _) => self.signature.add_code(code(kind, 0)),
        }
    }

    /// Adds a token.
    #[inline]
    pub(super) fn push(&mut self, found: &Found) -> Result<(), TooLarge> {
        let Room { kinds, flags, ends } = &mut self.room;
        let places = (
            kinds.get_mut(self.len),
            flags.get_mut(self.len),
            ends.get_mut(self.len),
        );
        let (Some(kind), Some(flag), Some(end)) = places else {
            return Err(TooLarge::Tokens);
        };
        *kind = found.kind;
        *flag = found.flags;
        *end = u32::try_from(found.end).map_err(|_| TooLarge::Bytes)?;
        self.len += 1;
        Ok(())
    }

    /// How many tokens there are, and their signature.
    pub(super) fn finish(self) -> (usize, u64) {
        (self.len, self.signature.finish())
    }
}

/// The code of a token for the signature: its kind, and its byte if that counts; never 0.
pub(super) const fn code(kind: Kind, byte: u8) -> u16 {
    u16::from_le_bytes([kind as u8 + 1, byte])
}
