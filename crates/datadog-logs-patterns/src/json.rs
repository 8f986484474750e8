//! JSON objects whose members travel beside their message, as columns.
//!
//! Of all the ways to write an object the other end knows one, the canonical form: no white space, the keys of every
//! object sorted by their bytes and none of them twice, no more escapes in strings than needed.
//! Only a line that is its own canonical form is taken apart, because only such a line comes back as it was;
//! any other is text. Numbers are kept as they are spelled, so they need no canonical form.

pub(crate) mod object;
pub(crate) mod paths;
pub(crate) mod scan;
pub(crate) mod schemas;

/// Where the message of an object is looked for: the first of these that is a string with something in it.
const MESSAGE_PATHS: [&[u8]; 7] = [
    b"message",
    b"msg",
    b"log",
    b"text",
    b"data.message",
    b"event.message",
    b"payload.message",
];
