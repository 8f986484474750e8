//! Commands of memcached without their values.

/// The first line of a command, which holds no value.
pub(crate) fn first_line(command: &str) -> &str {
    command
        .split_once("\r\n")
        .map_or(command, |(line, _)| line)
        .trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_the_first_line() {
        assert_eq!(
            first_line("set mykey 0 60 5\r\nvalue\r\n"),
            "set mykey 0 60 5"
        );
        assert_eq!(first_line(" get mykey\r\n"), "get mykey");
        assert_eq!(first_line("get mykey"), "get mykey");
        assert_eq!(first_line(""), "");
    }
}
