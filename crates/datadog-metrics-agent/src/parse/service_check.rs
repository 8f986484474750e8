//! Service checks: `_sc|NAME|STATUS`, then fields in any order.

use super::{Fault, Fields, Options, Origin, Reason, Tags, Text, cut, number};

/// The state of something that is checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceCheck<'a> {
    /// The name, which is not empty.
    pub name: Text<'a>,
    /// The state.
    pub status: Status,
    /// When it was checked, in seconds since 1970; without it, now.
    pub timestamp: Option<i64>,
    /// Where it was checked, if not on this host.
    pub hostname: Option<Text<'a>>,
    /// What the check says, its escapes left as they are. A bar ends it.
    pub message: Option<Text<'a>>,
    /// The tags.
    pub tags: Tags<'a>,
    /// What the client said about where it runs.
    pub origin: Origin<'a>,
    /// How many fields had a value without meaning, and were skipped: the caller counts them.
    pub bad_fields: usize,
}

/// The state of something that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// 0: as it should be.
    Ok,
    /// 1: not for long.
    Warning,
    /// 2: not as it should be.
    Critical,
    /// 3: nobody knows.
    Unknown,
}

impl Status {
    /// The number for it, in messages and payloads alike.
    pub const fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

impl<'a> ServiceCheck<'a> {
    pub(super) fn parse(line: &'a [u8], options: &Options) -> Result<Self, Fault> {
        const HEADER: &[u8] = b"_sc|";
        let rest = line.strip_prefix(HEADER).ok_or((Reason::Header, 0))?;
        let (name, rest) = cut(rest, b'|');
        let rest = rest.ok_or((Reason::NoFields, 0))?;
        if name.is_empty() {
            return Err((Reason::EmptyName, HEADER.len()));
        }
        let (status, rest) = cut(rest, b'|');
        let status = match status {
            b"0" => Status::Ok,
            b"1" => Status::Warning,
            b"2" => Status::Critical,
            b"3" => Status::Unknown,
            _ => return Err((Reason::Status, HEADER.len() + name.len() + 1)),
        };
        let mut check = Self {
            name: Text(name),
            status,
            timestamp: None,
            hostname: None,
            message: None,
            tags: Tags::default(),
            origin: Origin::default(),
            bad_fields: 0,
        };
        for (field, _) in Fields::new(rest, 0) {
            if check.field(field, options).is_none() {
                check.bad_fields += 1;
            }
        }
        Ok(check)
    }

    /// Reads an optional field, of which the last one of each kind counts; `None` if its value has no meaning.
    fn field(&mut self, field: &'a [u8], options: &Options) -> Option<()> {
        match field {
            [b'd', b':', seconds @ ..] => {
                self.timestamp = Some(number::integer(seconds)?).filter(|&seconds| seconds != 0);
            }
            [b'h', b':', hostname @ ..] => self.hostname = Some(Text(hostname)),
            [b'm', b':', message @ ..] => self.message = Some(Text(message)),
            [b'#', tags @ ..] => self.tags = Tags(tags),
            _ if options.client_origin => self.origin.field(field),
            _ => {}
        }
        Some(())
    }
}
