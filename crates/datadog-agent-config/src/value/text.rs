//! Texts with rules: names, keys, paths, patterns, choices.

use super::{Note, Parsed, Value};

/// Longest path of a Unix socket, in bytes; the kernel's own limit is a little higher on each system.
const MAX_SOCKET_PATH_BYTES: usize = 100;

/// Longest pattern, in bytes.
pub(crate) const MAX_PATTERN_BYTES: usize = 4096;

/// Largest compiled pattern, in bytes.
const MAX_COMPILED_BYTES: usize = 10 << 20;

/// Names that every machine has, and that therefore name none.
const LOCAL_NAMES: [&str; 4] = [
    "localhost",
    "localhost.localdomain",
    "localhost6.localdomain6",
    "ip6-localhost",
];

/// An API key: blanks and line ends go, what is left must fit into a header.
pub(crate) fn api_key(text: &str) -> Result<Parsed, String> {
    let key: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("API key has characters that cannot be sent in a header".to_owned());
    }
    let is_usual = key.len() == 32
        && key
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let notes = if is_usual {
        Vec::new()
    } else {
        vec![Note::warning(
            "API keys are 32 lowercase hexadecimal digits",
            "used as it is",
        )]
    };
    Ok(Parsed::with(Value::Text(key), notes))
}

/// A host name by RFC 1123 that is not one that every machine has.
pub(crate) fn hostname(text: &str) -> Result<String, String> {
    if LOCAL_NAMES.contains(&text.to_ascii_lowercase().as_str()) {
        return Err("every machine has this name".to_owned());
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.len() <= 255 && text.split('.').all(is_label) {
        Ok(text.to_owned())
    } else {
        Err("must be a host name of letters, digits, hyphens and dots".to_owned())
    }
}

/// A path in the file system.
pub(crate) fn path(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        Err("path has null bytes".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// The path of a Unix socket: absolute, and short enough for every system.
pub(crate) fn socket_path(text: &str) -> Result<String, String> {
    path(text)?;
    if !text.starts_with('/') {
        return Err("socket path must be absolute".to_owned());
    }
    if text.len() > MAX_SOCKET_PATH_BYTES {
        return Err(format!(
            "socket path is too long: {} bytes, maximum {MAX_SOCKET_PATH_BYTES} bytes",
            text.len()
        ));
    }
    Ok(text.to_owned())
}

/// One of some words, in any case, with `-` and `_` alike.
pub(crate) fn choice(text: &str, words: &[&str]) -> Result<String, String> {
    let plain = |word: &str| word.trim().to_ascii_lowercase().replace('-', "_");
    words
        .iter()
        .find(|word| plain(word) == plain(text))
        .map(|word| (*word).to_owned())
        .ok_or_else(|| format!("must be one of {}", words.join(", ")))
}

/// A UUID with its hyphens.
pub(crate) fn uuid(text: &str) -> Result<String, String> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_hex = text
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_hex && lengths == [8, 4, 4, 4, 12] {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be a UUID".to_owned())
    }
}

/// A pattern that compiles.
pub(crate) fn pattern(text: &str) -> Result<String, String> {
    if text.len() > MAX_PATTERN_BYTES {
        return Err(format!("pattern is longer than {MAX_PATTERN_BYTES} bytes"));
    }
    // Classes such as `\d` may mean ASCII or Unicode to the pipeline that uses the pattern; either reading will do here.
    let compiles = |unicode: bool| {
        regex::bytes::RegexBuilder::new(text)
            .unicode(unicode)
            .size_limit(MAX_COMPILED_BYTES)
            .build()
    };
    match compiles(true).or_else(|_| compiles(false)) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("pattern does not compile".to_owned()),
    }
}

/// A prefix of metric names; a dot at its end is dropped, since one is put between.
pub(crate) fn metric_namespace(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if is_name {
        Ok(text.trim_end_matches('.').to_owned())
    } else {
        Err("must be a letter, then letters, digits, `_` and `.`".to_owned())
    }
}

/// A header name.
pub(crate) fn header_name(text: &str) -> Result<String, String> {
    let is_token = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if is_token && !text.is_empty() {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be the name of a header".to_owned())
    }
}

/// A gRPC method.
pub(crate) fn grpc_method(text: &str) -> Result<String, String> {
    let is_part = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    let parts: Vec<&str> = text.strip_prefix('/').unwrap_or("").split('/').collect();
    if parts.len() == 2 && parts.iter().all(is_part) {
        Ok(text.to_owned())
    } else {
        Err("must be /service/method".to_owned())
    }
}

/// A key of remote configuration: base32 without padding, after an optional `DDRCM_`.
pub(crate) fn remote_configuration_key(text: &str) -> Result<String, String> {
    let coded = text.strip_prefix("DDRCM_").unwrap_or(text);
    let is_base32 = coded
        .bytes()
        .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
    // Five bits to a letter: these remainders leave no whole byte.
    let is_whole = !matches!(coded.len() % 8, 1 | 3 | 6);
    if is_base32 && is_whole && !coded.is_empty() {
        Ok(text.to_owned())
    } else {
        Err("must be base32 after DDRCM_".to_owned())
    }
}

/// A filter of `tracing`: items with a comma between, each a level, a target, or `target=level`.
pub(crate) fn log_filter(text: &str) -> Result<String, String> {
    let is_level = |word: &str| {
        let word = word.trim().to_ascii_lowercase();
        matches!(
            word.as_str(),
            "off"
                | "error"
                | "warn"
                | "info"
                | "debug"
                | "trace"
                | "0"
                | "1"
                | "2"
                | "3"
                | "4"
                | "5"
        )
    };
    let is_directive = |directive: &str| {
        let after_fields = directive
            .rsplit_once(']')
            .map_or(directive, |(_, rest)| rest);
        match after_fields.rsplit_once('=') {
            Some((_, level)) => is_level(level),
            None => true,
        }
    };
    if text.split(',').all(is_directive) {
        Ok(text.to_owned())
    } else {
        Err("must be a filter such as info or my_crate=debug".to_owned())
    }
}

/// The name or address of an interface.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let is_name = bare
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if bare.parse::<std::net::IpAddr>().is_ok() || (is_name && !bare.is_empty()) {
        Ok(bare.to_owned())
    } else {
        Err("must be an address or a host name, without port".to_owned())
    }
}

/// A host and a port.
pub(crate) fn host_port(text: &str) -> Result<String, String> {
    let problem = || "must be host:port".to_owned();
    let (name, port) = text.rsplit_once(':').ok_or_else(problem)?;
    let is_bracketed = name.starts_with('[') && name.ends_with(']');
    if name.contains(':') && !is_bracketed {
        return Err(problem());
    }
    host(name).map_err(|_| problem())?;
    super::number::port(port)?;
    Ok(text.to_owned())
}
