//! Looks ahead in JSON: where a chunk ends, and of how many parts it is.
//!
//! Knows no more of JSON than its signs, and judges nothing: what is no JSON is told so by who decodes it.

/// What a chunk is made of, as far as its signs say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) objects: usize,
    pub(super) arrays: usize,
    pub(super) entries: usize,
    /// Whether no other one follows.
    pub(super) is_last: bool,
}

/// The signs of a body that are still to come.
#[derive(Debug)]
pub(super) struct Signs<'a> {
    body: &'a [u8],
    /// How far they were looked at, in bytes.
    pub(super) position: usize,
}

impl<'a> Signs<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        // The array of chunks is none of them.
        let blank = body.iter().take_while(|byte| byte.is_ascii_whitespace());
        let start = blank.count();
        let opens = body.get(start) == Some(&b'[');
        Self {
            body,
            position: start + usize::from(opens),
        }
    }

    /// What the next chunk is made of, up to the comma behind it, or the end of the array.
    pub(super) fn next_chunk(&mut self) -> Cost {
        let mut cost = Cost::default();
        let mut depth = 0_usize;
        let mut in_text = false;
        let rest = self.body.get(self.position..).unwrap_or_default();
        let mut bytes = rest.iter().enumerate();
        while let Some((index, byte)) = bytes.next() {
            match byte {
                b'"' => in_text = !in_text,
                b'\\' if in_text => {
                    bytes.next();
                }
                _ if in_text => {}
                b'{' => {
                    cost.objects += 1;
                    depth += 1;
                }
                b'[' => {
                    cost.arrays += 1;
                    depth += 1;
                }
                b':' => cost.entries += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b',' if depth == 0 => {
                    self.position += index + 1;
                    return cost;
                }
                b'}' | b']' => break,
                _ => {}
            }
        }
        self.position = self.body.len();
        cost.is_last = true;
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(objects: usize, arrays: usize, entries: usize, is_last: bool) -> Cost {
        Cost {
            objects,
            arrays,
            entries,
            is_last,
        }
    }

    #[test]
    fn a_chunk_ends_at_the_comma_behind_it() {
        let body = br#" [ [{"a":"[,{\":"},{}] , null,[[]] ] "#;
        let mut signs = Signs::new(body);
        assert_eq!(signs.position, 2);
        assert_eq!(signs.next_chunk(), cost(2, 1, 1, false));
        assert_eq!(signs.next_chunk(), cost(0, 0, 0, false));
        assert_eq!(signs.next_chunk(), cost(0, 2, 0, true));
        assert_eq!(signs.position, body.len());
        assert_eq!(signs.next_chunk(), cost(0, 0, 0, true));
    }

    #[test]
    fn what_is_no_json_ends_with_the_body() {
        for body in ["", "[", "[[", "x", "[\"", "[\"\\", "[}"] {
            let mut signs = Signs::new(body.as_bytes());
            assert!(signs.next_chunk().is_last, "{body}");
            assert_eq!(signs.position, body.len());
        }
    }
}
