//! What stands for a route where the framework tells none: the path with whatever varies replaced.
//!
//! At most eight segments; a segment that looks like a number, an id or free text becomes its kind.

/// Segments that are kept.
const MAX_SEGMENTS: usize = 8;

/// The endpoint of a path: `/users/123` becomes `/users/{param:int}`.
pub(crate) fn of(target: &str) -> String {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let mut endpoint = String::new();
    for segment in segments.take(MAX_SEGMENTS) {
        endpoint.push('/');
        endpoint.push_str(kind(segment).unwrap_or(segment));
    }
    if endpoint.is_empty() {
        endpoint.push('/');
    }
    endpoint
}

/// What a segment is replaced by, if it varies.
fn kind(segment: &str) -> Option<&'static str> {
    let bytes = segment.as_bytes();
    let all = |test: fn(u8) -> bool| bytes.iter().all(|byte| test(*byte));
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let is_mark = |byte: u8| matches!(byte, b'.' | b'_' | b'-');
    let long = bytes.len();
    if long >= 2 && all(|byte| byte.is_ascii_digit()) && !bytes.starts_with(b"0") {
        return Some("{param:int}");
    }
    if long >= 3 && has_digit && bytes.iter().all(|b| b.is_ascii_digit() || is_mark(*b)) {
        return Some("{param:int_id}");
    }
    if long >= 6 && has_digit && all(|byte| byte.is_ascii_hexdigit()) {
        return Some("{param:hex}");
    }
    if long >= 6 && has_digit && bytes.iter().all(|b| b.is_ascii_hexdigit() || is_mark(*b)) {
        return Some("{param:hex_id}");
    }
    let is_special = |byte: &u8| b"%&'()*+,:=@".contains(byte);
    (long >= 20 || bytes.iter().any(is_special)).then_some("{param:str}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_replaced_by_its_kind() {
        for (target, wanted) in [
            ("/users/123?x=1", "/users/{param:int}"),
            ("/v1/users/9", "/v1/users/9"),
            ("/a/1-2_3", "/a/{param:int_id}"),
            ("/a/01", "/a/01"),
            ("/o/deadbee5", "/o/{param:hex}"),
            (
                "/o/550e8400-e29b-41d4-a716-446655440000",
                "/o/{param:hex_id}",
            ),
            (
                "/s/a%20b/aaaaaaaaaaaaaaaaaaaa",
                "/s/{param:str}/{param:str}",
            ),
            ("/1/2/3/4/5/6/7/8/9", "/1/2/3/4/5/6/7/8"),
            ("", "/"),
        ] {
            assert_eq!(of(target), wanted, "{target}");
        }
    }
}
