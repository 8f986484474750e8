//! What must hold of any line: run by the fuzz target on bytes it makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::{Limits, Tokenizer, TooLarge};
use crate::token::{Flags, Kind, Tokens};

/// Cuts a line into tokens, alone and as a value of JSON, and looks at what comes out.
pub fn line(line: &[u8]) {
    covered(line);
    covered(&[b"{\"key\":\"", line, b"\"}"].concat());
    covered(&[b"{\"key\":", line, b"}"].concat());
}

/// The tokens follow one another from the start of the line to its end, none is empty, and their flags are true.
fn covered(line: &[u8]) {
    let mut tokenizer = Tokenizer::new(1, Limits::default());
    match tokenizer.tokenize(line) {
        Ok(()) => {}
        Err(TooLarge::Bytes) => return assert!(line.len() > Limits::default().max_bytes),
        Err(TooLarge::Tokens) => return assert!(line.len() > Limits::default().max_tokens),
    }
    let tokens = tokenizer.tokens();
    let starts = tokens.starts();
    assert_eq!(starts.len(), tokens.len() + 1);
    assert_eq!((starts[0], starts[tokens.len()] as usize), (0, line.len()));
    assert!(
        starts.windows(2).all(|pair| pair[0] < pair[1]),
        "{starts:?}"
    );
    for index in 0..tokens.len() {
        flags_are_true(tokens, index, &line[tokens.range(index)]);
    }
    again(&mut tokenizer.clone(), line, tokens);
}

fn flags_are_true(tokens: &Tokens, index: usize, bytes: &[u8]) {
    let plain = bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let flags = tokens.flags(index);
    assert_eq!(flags.contains(Flags::NOT_PLAIN), !plain, "{bytes:?}");
    let digit = tokens.kind(index) == Kind::Word && bytes.iter().any(u8::is_ascii_digit);
    assert_eq!(flags.contains(Flags::HAS_DIGIT), digit, "{bytes:?}");
}

/// What a tokenizer held before changes nothing, and one token less than there are is too few.
fn again(used: &mut Tokenizer, line: &[u8], tokens: &Tokens) {
    assert_eq!(used.tokenize(line), Ok(()));
    assert_eq!(used.tokens(), tokens);
    let Some(max_tokens) = tokens.len().checked_sub(1) else {
        return;
    };
    let mut small = Tokenizer::new(
        1,
        Limits {
            max_tokens,
            ..Limits::default()
        },
    );
    assert_eq!(small.tokenize(line), Err(TooLarge::Tokens));
}
