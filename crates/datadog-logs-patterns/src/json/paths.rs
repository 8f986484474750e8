//! Paths: keys from the outside to the inside with dots between them, `\.` and `\\` for a dot and a backslash in a key.

/// The first key of a path as it is written there, and the path inside of it if the key is not the last.
pub(crate) fn split_first(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'.', b'\\', path.get(at..).unwrap_or_default()) {
        at += found;
        if path[at] == b'.' {
            return (&path[..at], Some(&path[at + 1..]));
        }
        at += 2;
    }
    (path, None)
}

/// How many objects a path leads through.
pub(crate) fn objects(path: &[u8]) -> usize {
    let mut rest = split_first(path).1;
    let mut objects = 0;
    while let Some(path) = rest {
        objects += 1;
        rest = split_first(path).1;
    }
    objects
}

/// The rests of two paths behind the objects that both lead through.
pub(crate) fn behind_common<'a>(mut one: &'a [u8], mut other: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    loop {
        match (split_first(one), split_first(other)) {
            ((a, Some(inner)), (b, Some(other_inner))) if a == b => {
                (one, other) = (inner, other_inner);
            }
            _ => return (one, other),
        }
    }
}

/// Appends a key as it is written in a path.
pub(crate) fn push_key(path: &mut Vec<u8>, mut key: &[u8]) {
    while let Some(at) = memchr::memchr2(b'.', b'\\', key) {
        path.extend_from_slice(&key[..at]);
        path.extend_from_slice(&[b'\\', key[at]]);
        key = &key[at + 1..];
    }
    path.extend_from_slice(key);
}

/// Calls a function with the pieces of a key, which is written as in a path.
pub(crate) fn pieces_of_key<'a>(mut key: &'a [u8], mut piece: impl FnMut(&'a [u8])) {
    while let Some(at) = memchr::memchr(b'\\', key) {
        let end = key.len().min(at + 2);
        piece(&key[..at]);
        piece(&key[(at + 1).min(end)..end]);
        key = &key[end..];
    }
    piece(key);
}

/// The keys of a path, as they are.
pub(crate) fn keys(path: &[u8]) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut rest = Some(path);
    while let Some(path) = rest {
        let (key, inner) = split_first(path);
        let mut bytes = Vec::with_capacity(key.len());
        pieces_of_key(key, |piece| bytes.extend_from_slice(piece));
        keys.push(bytes);
        rest = inner;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_its_dots_but_not_at_escaped_ones() {
        assert_eq!(
            split_first(br"a\.b\\.c.d"),
            (&br"a\.b\\"[..], Some(&b"c.d"[..]))
        );
        assert_eq!(split_first(br"a\.b"), (&br"a\.b"[..], None));
        assert_eq!(split_first(b""), (&b""[..], None));
        assert_eq!(objects(br"a\.b"), 0);
        assert_eq!(objects(br"a.b\\.c"), 2);
    }

    #[test]
    fn what_two_paths_share_are_whole_objects() {
        let rests = |one: &'static str, other: &'static str| {
            let (one, other) = behind_common(one.as_bytes(), other.as_bytes());
            [one, other].map(|rest| std::str::from_utf8(rest).unwrap())
        };
        assert_eq!(rests("a.b.c", "a.b.d"), ["c", "d"]);
        assert_eq!(rests("a.b", "ab.b"), ["a.b", "ab.b"]);
        assert_eq!(rests("a", "a.b"), ["a", "a.b"]);
        assert_eq!(rests(r"a\.b.c", r"a\.b.d"), ["c", "d"]);
    }

    #[test]
    fn a_key_comes_back_from_a_path() {
        for key in ["", "plain", "a.b", r"\", r"..\\.", "é.😀"] {
            let mut path = Vec::new();
            push_key(&mut path, key.as_bytes());
            assert_eq!(split_first(&path), (&path[..], None), "{key}");
            let mut pieces = Vec::new();
            pieces_of_key(&path, |piece| pieces.extend_from_slice(piece));
            assert_eq!(pieces, key.as_bytes(), "{key}");
        }
    }
}
