//! Texts: those of the host are copied in, ours are given out.

use std::ffi::{CStr, CString, c_char, c_int};

use super::error::{DatadogError, Failure};

/// Longest text that is taken, in bytes without the NUL.
pub(super) const MAX_BYTES: usize = 64 * 1_024;

/// Counts up when something is taken away from this ABI, and never else.
const ABI_VERSION: c_int = 1;

/// The version of this library.
pub(super) const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL in it"),
    };

/// Copies a text of the host, without blanks around it. NULL and blank texts are none; `name` is that of the field.
///
/// # Safety
/// `text` must be NULL or end with a NUL.
pub(super) unsafe fn copied(text: *const c_char, name: &str) -> Result<Option<String>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller promises a NUL at the end.
    let text = unsafe { CStr::from_ptr(text) };
    let invalid = |problem: &str| {
        Failure::new(
            DatadogError::DATADOG_INVALID_STRING,
            format!("{name}: {problem}"),
        )
    };
    if text.count_bytes() > MAX_BYTES {
        return Err(invalid("longer than 64 KiB"));
    }
    let text = text.to_str().map_err(|_| invalid("not UTF-8"))?.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Gives a text to the host, which frees it with [`datadog_free_string`]; NULL for none, or for one with a NUL in it.
pub(super) fn given(text: Option<String>) -> *mut c_char {
    text.and_then(|text| CString::new(text).ok())
        .map_or(std::ptr::null_mut(), CString::into_raw)
}

/// The version of this library, such as `0.1.0`. Never NULL; static, so it must not be freed.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of this ABI, currently 1. It counts up only when something is taken away.
#[unsafe(no_mangle)]
pub extern "C" fn datadog_agent_abi_version() -> c_int {
    ABI_VERSION
}

/// Frees a text that this library gave out as `char *`. NULL is fine.
///
/// # Safety
/// `s` must be NULL or come from this library, and is dead afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_free_string(s: *mut c_char) {
    if !s.is_null() {
        // SAFETY: every `char *` that we give out comes from `CString::into_raw`, and the caller gives it back once.
        drop(unsafe { CString::from_raw(s) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(bytes: &[u8]) -> Result<Option<String>, Failure> {
        let text = CString::new(bytes).unwrap();
        // SAFETY: a `CString` ends with a NUL.
        unsafe { copied(text.as_ptr(), "site") }
    }

    #[test]
    fn texts_are_trimmed_and_blank_ones_are_none() {
        assert_eq!(copy(b" us5 \n"), Ok(Some("us5".to_owned())));
        assert_eq!(copy(b" \t"), Ok(None));
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { copied(std::ptr::null(), "site") }, Ok(None));
    }

    #[test]
    fn a_text_that_is_not_utf_8_or_too_long_is_refused_by_the_name_of_its_field() {
        let failure = |text: &str| Failure::new(DatadogError::DATADOG_INVALID_STRING, text);
        assert_eq!(copy(b"\xFF\xFE"), Err(failure("site: not UTF-8")));
        assert_eq!(copy(&[b'a'; MAX_BYTES]).unwrap().unwrap().len(), MAX_BYTES);
        assert_eq!(
            copy(&[b'a'; MAX_BYTES + 1]),
            Err(failure("site: longer than 64 KiB"))
        );
    }

    #[test]
    fn what_is_given_out_can_be_freed() {
        let text = given(Some("/tmp/s".to_owned()));
        // SAFETY: it was just given out, and is used no more after it is freed.
        unsafe {
            assert_eq!(CStr::from_ptr(text), c"/tmp/s");
            datadog_free_string(text);
            datadog_free_string(std::ptr::null_mut());
        }
        assert!(given(None).is_null());
        assert!(given(Some("a\0b".to_owned())).is_null());
    }
}
