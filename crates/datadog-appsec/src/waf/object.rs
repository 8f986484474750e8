//! Objects of the library: made of [`Value`]s, and read as JSON.
//!
//! Refuses containers that the library's 16-bit sizes cannot hold: it would wrap them in silence.

use std::ffi::{c_char, c_int};
use std::{ptr, slice};

use serde_json::{Map, Number, Value as Json};

use super::library::Library;
use crate::engine::WafError;
use crate::value::Value;

/// Members that a container of the library can have.
const MAX_MEMBERS: usize = u16::MAX as usize;
/// Containers within one another, of what is handed over: more than the limits of requests or any rules need.
const MAX_DEPTH: usize = 64;
/// The same, of what the library gives.
const MAX_READ_DEPTH: usize = 64;

/// An object of the library: 16 bytes of which the first is the type; all zero is the invalid object.
#[repr(C, align(8))]
#[derive(Debug)]
pub(super) struct Raw([u8; 16]);

impl Raw {
    /// The invalid object, which owns nothing.
    pub(super) const fn invalid() -> Self {
        Self([0; 16])
    }
}

/// Types of objects, as the library numbers them: not flags.
mod kind {
    use std::ffi::c_int;

    pub(super) const BOOL: c_int = 0x02;
    pub(super) const SIGNED: c_int = 0x04;
    pub(super) const UNSIGNED: c_int = 0x06;
    pub(super) const FLOAT: c_int = 0x08;
    pub(super) const STRING: c_int = 0x10;
    pub(super) const LITERAL: c_int = 0x12;
    pub(super) const SMALL: c_int = 0x14;
    pub(super) const ARRAY: c_int = 0x20;
    pub(super) const MAP: c_int = 0x40;
}

/// An object that is owned here, and freed with the allocator of the library.
#[derive(Debug)]
pub(super) struct Object {
    raw: Raw,
    library: &'static Library,
}

impl Object {
    /// The invalid object, for the library to fill.
    pub(super) fn empty(library: &'static Library) -> Self {
        Self {
            raw: Raw::invalid(),
            library,
        }
    }

    /// Copies a value.
    ///
    /// # Errors
    /// When it is larger than the library can hold, or there is no memory for it.
    pub(super) fn of(library: &'static Library, value: &Value) -> Result<Self, WafError> {
        let mut object = Self::empty(library);
        // SAFETY: the object is the invalid one, and lives as long as the call.
        unsafe { fill(library, &mut object.raw, value, 0) }?;
        Ok(object)
    }

    /// For the library to read.
    pub(super) fn as_ptr(&self) -> *const Raw {
        &raw const self.raw
    }

    /// For the library to write.
    pub(super) fn as_mut_ptr(&mut self) -> *mut Raw {
        &raw mut self.raw
    }

    /// Gives up what the object owns, which now belongs to the library or is lost.
    pub(super) fn forget(&mut self) {
        self.raw = Raw::invalid();
    }

    /// What it holds.
    pub(super) fn to_json(&self) -> Json {
        // SAFETY: the object was made here or filled by the library, and is not changed meanwhile.
        unsafe { read(self.library, self.as_ptr(), 0) }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let library = self.library;
        // SAFETY: whatever it owns came from this allocator, and nobody else owns it: `forget` says so otherwise. An
        // invalid object owns nothing.
        unsafe { (library.functions.object_destroy)(self.as_mut_ptr(), library.allocator.0) };
    }
}

/// Copies a value into a slot.
///
/// # Safety
/// `slot` must be an object of the library which owns nothing, and stay where it is during the call.
unsafe fn fill(
    library: &Library,
    slot: *mut Raw,
    value: &Value,
    depth: usize,
) -> Result<(), WafError> {
    let functions = &library.functions;
    let allocator = library.allocator.0;
    // SAFETY: as the caller promises of the slot; texts are given with their own length and copied by the library.
    let done = unsafe {
        match value {
            Value::Invalid => (functions.set_invalid)(slot),
            Value::Null => (functions.set_null)(slot),
            Value::Bool(on) => (functions.set_bool)(slot, *on),
            Value::Signed(number) => (functions.set_signed)(slot, *number),
            Value::Unsigned(number) => (functions.set_unsigned)(slot, *number),
            Value::Float(number) => (functions.set_float)(slot, *number),
            Value::Text(text) => {
                let length = length(text)?;
                (functions.set_string)(slot, text.as_ptr().cast::<c_char>(), length, allocator)
            }
            Value::Array(items) => {
                let made = (functions.set_array)(slot, capacity(items.len(), depth)?, allocator);
                present(made)?;
                for item in items {
                    let inner = present((functions.insert)(slot, allocator))?;
                    fill(library, inner, item, depth + 1)?;
                }
                made
            }
            Value::Map(pairs) => {
                let made = (functions.set_map)(slot, capacity(pairs.len(), depth)?, allocator);
                present(made)?;
                for (key, item) in pairs {
                    let (text, length) = (key.as_ptr().cast::<c_char>(), length(key)?);
                    let inner = (functions.insert_key)(slot, text, length, allocator);
                    fill(library, present(inner)?, item, depth + 1)?;
                }
                made
            }
        }
    };
    present(done).map(drop)
}

fn present(slot: *mut Raw) -> Result<*mut Raw, WafError> {
    if slot.is_null() {
        return Err(WafError::InvalidArgument);
    }
    Ok(slot)
}

fn length(text: &[u8]) -> Result<u32, WafError> {
    u32::try_from(text.len()).map_err(|_| WafError::InvalidObject)
}

fn capacity(members: usize, depth: usize) -> Result<u16, WafError> {
    if depth >= MAX_DEPTH || members > MAX_MEMBERS {
        return Err(WafError::InvalidObject);
    }
    u16::try_from(members).map_err(|_| WafError::InvalidObject)
}

/// Reads an object of the library; what is nested too deep is left out.
///
/// # Safety
/// `object` must be null or point to an object of the library which is not changed during the call.
unsafe fn read(library: &Library, object: *const Raw, depth: usize) -> Json {
    if object.is_null() || depth > MAX_READ_DEPTH {
        return Json::Null;
    }
    let functions = &library.functions;
    // SAFETY: as the caller promises; each getter is called on the type that it is for, and indexes are below the
    // size that the object itself gives.
    unsafe {
        match (functions.get_type)(object) & 0xff {
            kind::BOOL => Json::Bool((functions.get_bool)(object)),
            kind::SIGNED => Json::from((functions.get_signed)(object)),
            kind::UNSIGNED => Json::from((functions.get_unsigned)(object)),
            kind::FLOAT => {
                Number::from_f64((functions.get_float)(object)).map_or(Json::Null, Json::Number)
            }
            kind::STRING | kind::LITERAL | kind::SMALL => Json::String(text(library, object)),
            kind::ARRAY => {
                let size = (functions.get_size)(object);
                let at = |index| read(library, (functions.at_value)(object, index), depth + 1);
                Json::Array((0..size).map(at).collect())
            }
            kind::MAP => {
                let size = (functions.get_size)(object);
                let at = |index| {
                    let key = text(library, (functions.at_key)(object, index));
                    let value = read(library, (functions.at_value)(object, index), depth + 1);
                    (key, value)
                };
                Json::Object((0..size).map(at).collect::<Map<_, _>>())
            }
            _ => Json::Null,
        }
    }
}

/// The text of an object, empty if it has none.
///
/// # Safety
/// As of [`read`].
unsafe fn text(library: &Library, object: *const Raw) -> String {
    let mut length = 0;
    if object.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises; the text belongs to the object and has the length that comes with it.
    unsafe {
        let text = (library.functions.get_string)(object, ptr::from_mut(&mut length));
        if text.is_null() {
            return String::new();
        }
        String::from_utf8_lossy(slice::from_raw_parts(text.cast::<u8>(), length)).into_owned()
    }
}

/// The code of a call that succeeded.
pub(super) const fn is_success(code: c_int) -> bool {
    code == 0 || code == 1
}
