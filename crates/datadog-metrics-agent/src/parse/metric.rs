//! Metrics: `NAME:VALUE|TYPE`, then fields in any order.

use super::number::{self, Numbers};
use super::{Fault, Fields, Options, Origin, Reason, Tags, Text, cut};

/// The values of one metric with everything that was said about them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric<'a> {
    /// The name, not empty and without colons; else as it came.
    pub name: &'a str,
    /// The type and the values.
    pub sample: Sample<'a>,
    /// The share of all values that the client sends, as it came: it need not be above 0, at most 1, or a number.
    /// 1 if there is none.
    pub rate: f64,
    /// The tags.
    pub tags: Tags<'a>,
    /// The second since 1970 to which the values belong, at least 1; without it, they belong to the present.
    ///
    /// Clients give one with counts and gauges only; of what to do with it elsewhere, the caller decides.
    pub timestamp: Option<i64>,
    /// What the client said about where it runs.
    pub origin: Origin<'a>,
}

/// Values by the type of their metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample<'a> {
    /// `c`: to be added up.
    Count(Numbers<'a>),
    /// `g`: of which the last one counts; a sign is the sign of the value.
    Gauge(Numbers<'a>),
    /// `h`: of which percentiles are computed here.
    Histogram(Numbers<'a>),
    /// `ms`: a histogram of milliseconds.
    Timer(Numbers<'a>),
    /// `d`: of which percentiles are computed in the backend.
    Distribution(Numbers<'a>),
    /// `s`: one of which only the different ones count; colons are part of it.
    Set(Text<'a>),
}

impl<'a> Sample<'a> {
    /// The values, if they are numbers.
    pub const fn numbers(&self) -> Option<Numbers<'a>> {
        match self {
            Self::Count(numbers)
            | Self::Gauge(numbers)
            | Self::Histogram(numbers)
            | Self::Timer(numbers)
            | Self::Distribution(numbers) => Some(*numbers),
            Self::Set(_) => None,
        }
    }
}

impl<'a> Metric<'a> {
    #[inline]
    pub(super) fn parse(line: &'a [u8], options: &Options) -> Result<Self, Fault> {
        let (name, value) = name(line)?;
        let value_at = name.len() + 1;
        // Values and types are short: looked at byte by byte rather than searched for.
        let end = value.iter().position(|&byte| byte == b'|');
        let (value, rest) = end
            .and_then(|end| Some((value.get(..end)?, value.get(end + 1..)?)))
            .ok_or((Reason::NoFields, 0))?;
        if value.is_empty() {
            return Err((Reason::NoValue, value_at));
        }
        let type_at = value_at + value.len() + 1;
        let (kind, rest) = match rest {
            [kind, b'|', rest @ ..] => (std::slice::from_ref(kind), Some(rest)),
            rest => cut(rest, b'|'),
        };
        let sample = sample(kind, value, (value_at, type_at))?;
        let name = str::from_utf8(name).map_err(|_| (Reason::NameNotUtf8, 0))?;
        let mut metric = Self {
            name,
            sample,
            rate: 1.0,
            tags: Tags::default(),
            timestamp: None,
            origin: Origin::default(),
        };
        for (field, position) in Fields::new(rest, type_at + kind.len() + 1) {
            metric
                .field(field, options)
                .map_err(|reason| (reason, position))?;
        }
        Ok(metric)
    }

    /// Reads an optional field; of those that come twice, the last one counts, and unknown ones are skipped.
    #[inline]
    fn field(&mut self, field: &'a [u8], options: &Options) -> Result<(), Reason> {
        match field {
            [b'#', tags @ ..] => self.tags = Tags(tags),
            [b'@', rate @ ..] => self.rate = number::parse(rate).ok_or(Reason::Rate)?,
            [b'T', seconds @ ..] if options.timestamps => {
                let seconds = number::seconds(seconds).ok_or(Reason::Timestamp)?;
                self.timestamp = Some(seconds);
            }
            _ if options.client_origin => self.origin.field(field),
            _ => {}
        }
        Ok(())
    }
}

/// The name, which ends at the first colon, and what follows; the first bar must not come before it.
#[inline]
fn name(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let end = memchr::memchr2(b':', b'|', line).ok_or((Reason::NoFields, 0))?;
    match line.split_at_checked(end) {
        Some((b"", [b':', ..])) => Err((Reason::EmptyName, 0)),
        Some((name, [b':', rest @ ..])) => Ok((name, rest)),
        _ => Err((Reason::NoValue, 0)),
    }
}

#[inline]
fn sample<'a>(
    kind: &[u8],
    value: &'a [u8],
    (value_at, type_at): (usize, usize),
) -> Result<Sample<'a>, Fault> {
    let numbers = || Numbers::parse(value).ok_or((Reason::Value, value_at));
    match kind {
        b"c" => numbers().map(Sample::Count),
        b"g" => numbers().map(Sample::Gauge),
        b"d" => numbers().map(Sample::Distribution),
        b"h" => numbers().map(Sample::Histogram),
        b"ms" => numbers().map(Sample::Timer),
        b"s" => Ok(Sample::Set(Text(value))),
        _ => Err((Reason::Type, type_at)),
    }
}
