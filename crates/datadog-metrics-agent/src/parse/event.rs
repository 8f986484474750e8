//! Events: `_e{TITLE,TEXT}:`, title and text of these lengths in bytes, then fields in any order.

use super::{Escaped, Fault, Fields, Options, Origin, Reason, Tags, Text, number};

/// Something that happened, told to people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<'a> {
    /// The title, which is not empty.
    pub title: Escaped<'a>,
    /// The text, which may be empty.
    pub text: Escaped<'a>,
    /// When it happened, in seconds since 1970; without it, now.
    pub timestamp: Option<i64>,
    /// Where it happened, if not on this host.
    pub hostname: Option<Text<'a>>,
    /// What groups it with others.
    pub aggregation_key: Option<Text<'a>>,
    /// How much it matters. Default: normal.
    pub priority: Priority,
    /// What it comes from, as a source that the backend knows.
    pub source_type_name: Option<Text<'a>>,
    /// What kind of news it is. Default: information.
    pub alert_type: AlertType,
    /// The tags.
    pub tags: Tags<'a>,
    /// What the client said about where it runs.
    pub origin: Origin<'a>,
    /// How many fields had a value without meaning, and were skipped: the caller counts them.
    pub bad_fields: usize,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Priority {
    /// Shown.
    #[default]
    Normal,
    /// Not shown by default.
    Low,
}

/// What kind of news an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AlertType {
    /// Something is broken.
    Error,
    /// Something may break.
    Warning,
    /// Something happened.
    #[default]
    Info,
    /// Something went well.
    Success,
}

impl Priority {
    /// The word for it, in messages and payloads alike.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl AlertType {
    /// The word for it, in messages and payloads alike.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Success => "success",
        }
    }
}

impl<'a> Event<'a> {
    pub(super) fn parse(line: &'a [u8], options: &Options) -> Result<Self, Fault> {
        let (header, body) = super::cut(line, b':');
        let body = body.ok_or((Reason::Header, 0))?;
        let (title_len, text_len) = lengths(header).ok_or((Reason::Header, 0))?;
        if title_len == 0 {
            return Err((Reason::EmptyTitle, 0));
        }
        let body_at = header.len() + 1;
        let truncated = (Reason::Truncated, body_at);
        let (title, rest) = body.split_at_checked(title_len).ok_or(truncated)?;
        // Whatever stands between title and text.
        let (_, rest) = rest.split_first().ok_or(truncated)?;
        let (text, rest) = rest.split_at_checked(text_len).ok_or(truncated)?;
        let mut event = Self {
            title: Escaped(title),
            text: Escaped(text),
            timestamp: None,
            hostname: None,
            aggregation_key: None,
            priority: Priority::default(),
            source_type_name: None,
            alert_type: AlertType::default(),
            tags: Tags::default(),
            origin: Origin::default(),
            bad_fields: 0,
        };
        for (field, _) in Fields::new(Some(rest), 0) {
            if event.field(field, options).is_none() {
                event.bad_fields += 1;
            }
        }
        Ok(event)
    }

    /// Reads an optional field, of which the last one of each kind counts; `None` if its value has no meaning.
    fn field(&mut self, field: &'a [u8], options: &Options) -> Option<()> {
        match field {
            [b'd', b':', seconds @ ..] => {
                self.timestamp = Some(number::integer(seconds)?).filter(|&seconds| seconds != 0);
            }
            [b'h', b':', hostname @ ..] => self.hostname = Some(Text(hostname)),
            [b'k', b':', key @ ..] => self.aggregation_key = Some(Text(key)),
            [b'p', b':', priority @ ..] => {
                self.priority = [Priority::Normal, Priority::Low]
                    .into_iter()
                    .find(|known| known.as_str().as_bytes() == priority)?;
            }
            [b's', b':', name @ ..] => self.source_type_name = Some(Text(name)),
            [b't', b':', alert_type @ ..] => {
                self.alert_type = [
                    AlertType::Error,
                    AlertType::Warning,
                    AlertType::Info,
                    AlertType::Success,
                ]
                .into_iter()
                .find(|known| known.as_str().as_bytes() == alert_type)?;
            }
            [b'#', tags @ ..] => self.tags = Tags(tags),
            _ if options.client_origin => self.origin.field(field),
            _ => {}
        }
        Some(())
    }
}

/// The lengths of title and text in `_e{TITLE,TEXT}`.
fn lengths(header: &[u8]) -> Option<(usize, usize)> {
    let lengths = header.strip_prefix(b"_e{")?.strip_suffix(b"}")?;
    let (title, text) = super::cut(lengths, b',');
    Some((length(title)?, length(text?)?))
}

/// A length in decimal digits; more than any buffer holds, if it does not fit.
fn length(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = str::from_utf8(digits).ok()?;
    Some(text.parse().unwrap_or(usize::MAX))
}
