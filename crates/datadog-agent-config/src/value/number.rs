//! Switches, numbers, sizes and lengths of time.

use std::time::Duration;

use super::{Note, Parsed, Value};
use crate::kind::{Outside, Unit};

/// A switch: one of the usual words, in any case.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "t" | "yes" | "y" | "on" | "enabled" => Ok(true),
        "false" | "0" | "f" | "no" | "n" | "off" | "disabled" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// A port: decimal digits without a sign.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    digits(text)
        .and_then(|number| u16::try_from(number).ok())
        .ok_or_else(|| "port must be 0..=65535".to_owned())
}

/// A whole number within bounds.
pub(crate) fn integer(text: &str, min: i64, max: i64, outside: Outside) -> Result<Parsed, String> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let is_number = !magnitude.is_empty() && magnitude.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<i64>().ok().filter(|_| is_number);
    let Some(number) = number else {
        return Err(format!("must be a whole number in {min}..={max}"));
    };
    within(number, min, max, outside, |number| number.to_string())
}

/// A number within bounds.
pub(crate) fn float(text: &str, min: f64, max: f64) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("must be a number in {min}..={max}"))
}

/// Bytes: a whole number, with a unit if need be.
pub(crate) fn bytes(text: &str, min: i64, max: i64, outside: Outside) -> Result<Parsed, String> {
    let problem = || format!("must be bytes in {min}..={max}, such as 1048576 or 1MiB");
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: i64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return Err(problem()),
    };
    let number: i64 = number.parse().map_err(|_| problem())?;
    let total = number.checked_mul(factor).ok_or_else(problem)?;
    within(total, min, max, outside, |number| number.to_string())
}

/// A file mode in octal, with or without `0o` or `0` in front; at most `0o777`.
pub(crate) fn octal(text: &str) -> Result<i64, String> {
    let bare = text.strip_prefix("0o").unwrap_or(text);
    let is_octal = !bare.is_empty() && bare.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    i64::from_str_radix(bare, 8)
        .ok()
        .filter(|mode| is_octal && *mode <= 0o777)
        .ok_or_else(|| "must be an octal mode up to 0o777, such as 0o660".to_owned())
}

/// A length of time, in microseconds on the way: a decimal number of `bare` units, or with a unit.
pub(crate) fn span(
    text: &str,
    bare: Unit,
    min: u64,
    max: u64,
    outside: Outside,
) -> Result<Parsed, String> {
    let micros = micros(text, bare).ok_or_else(|| {
        format!(
            "must be a length of time in {}..={}, such as 2 or 1500ms",
            micros_text(min),
            micros_text(max)
        )
    })?;
    if (min..=max).contains(&micros) {
        return Ok(Value::Duration(Duration::from_micros(micros)).into());
    }
    let problem = format!("must be in {}..={}", micros_text(min), micros_text(max));
    match outside {
        Outside::Refuse => Err(problem),
        Outside::Clamp => {
            let nearest = micros.clamp(min, max);
            Ok(Parsed::with(
                Value::Duration(Duration::from_micros(nearest)),
                vec![Note::warning(
                    problem,
                    format!("using {}", micros_text(nearest)),
                )],
            ))
        }
    }
}

/// Whole seconds within bounds, in the grammar of lengths of time.
pub(crate) fn whole_seconds(text: &str, min: i64, max: i64) -> Result<i64, String> {
    micros(text, Unit::Seconds)
        .filter(|micros| micros.is_multiple_of(1_000_000))
        .and_then(|micros| i64::try_from(micros / 1_000_000).ok())
        .filter(|seconds| (min..=max).contains(seconds))
        .ok_or_else(|| format!("must be whole seconds in {min}..={max}"))
}

/// A length of time as one would write it.
pub(crate) fn duration_text(duration: Duration) -> String {
    u64::try_from(duration.as_micros()).map_or_else(|_| format!("{duration:?}"), micros_text)
}

fn micros_text(micros: u64) -> String {
    match micros {
        0 => "0s".to_owned(),
        _ if micros.is_multiple_of(1_000_000) => format!("{}s", micros / 1_000_000),
        _ if micros.is_multiple_of(1_000) => format!("{}ms", micros / 1_000),
        _ => format!("{micros}us"),
    }
}

/// Microseconds in a text such as `5`, `0.5`, `1500ms` or `2m`; `None` when it is none, or too large to count.
fn micros(text: &str, bare: Unit) -> Option<u64> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let unit = match suffix.trim().to_ascii_lowercase().as_str() {
        "" => bare,
        "us" | "µs" => Unit::Micros,
        "ms" => Unit::Millis,
        "s" => Unit::Seconds,
        "m" => Unit::Minutes,
        "h" => Unit::Hours,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(unit.micros())?;
    whole.checked_add(fraction_of(fraction, unit.micros())?)
}

/// What `.fraction` of a unit is, in microseconds; digits after the ninth are cut.
fn fraction_of(fraction: &str, unit: u64) -> Option<u64> {
    let is_digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let (number, scale) = fraction
        .bytes()
        .filter(|_| is_digits)
        .take(9)
        .fold((0_u64, 1_u64), |(number, scale), digit| {
            (number * 10 + u64::from(digit - b'0'), scale * 10)
        });
    // Below 10^9 times an hour of microseconds: it fits.
    is_digits.then_some(number * unit / scale)
}

/// A number of decimal digits only, of at most 18.
fn digits(text: &str) -> Option<u64> {
    let is_digits = !text.is_empty() && text.len() <= 18;
    if is_digits && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The number, or the nearest one within bounds if that is allowed.
fn within(
    number: i64,
    min: i64,
    max: i64,
    outside: Outside,
    text: impl Fn(i64) -> String,
) -> Result<Parsed, String> {
    if (min..=max).contains(&number) {
        return Ok(Value::Int(number).into());
    }
    let problem = format!("must be in {}..={}", text(min), text(max));
    match outside {
        Outside::Refuse => Err(problem),
        Outside::Clamp => {
            let nearest = number.clamp(min, max);
            Ok(Parsed::with(
                Value::Int(nearest),
                vec![Note::warning(problem, format!("using {}", text(nearest)))],
            ))
        }
    }
}
