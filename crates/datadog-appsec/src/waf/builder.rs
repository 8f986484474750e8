//! Rules in the library, and the instances that are made of them.

use std::ffi::{CStr, c_char};
use std::ptr;
use std::sync::Arc;

use serde_json::json;

use super::context::DdwafContext;
use super::library::{Library, Pointer};
use super::object::Object;
use crate::engine::{Added, WafBuilder, WafContext, WafError, WafInstance};
use crate::value::Value;

/// A builder of the library.
#[derive(Debug)]
pub(super) struct DdwafBuilder {
    pointer: Pointer,
    library: &'static Library,
}

// SAFETY: the library asks only that a builder is not used by two threads at once, which `&mut self` ensures.
unsafe impl Send for DdwafBuilder {}

impl DdwafBuilder {
    pub(super) fn new(library: &'static Library) -> Result<Self, WafError> {
        // SAFETY: takes nothing; the result is checked and owned here.
        let pointer = unsafe { (library.functions.builder_init)() };
        if pointer.is_null() {
            return Err(WafError::Internal);
        }
        Ok(Self { pointer, library })
    }
}

impl WafBuilder for DdwafBuilder {
    fn add_or_update(&mut self, path: &str, config: &Value) -> Added {
        let refused = |why: &str| Added {
            accepted: false,
            diagnostics: json!({ "error": why }),
        };
        let Ok(length) = u32::try_from(path.len()) else {
            return refused("the path is too long");
        };
        let object = match Object::of(self.library, config) {
            Ok(object) => object,
            Err(WafError::InvalidObject) => {
                return refused("nested deeper or larger than the library can hold");
            }
            Err(error) => return refused(&error.to_string()),
        };
        let mut diagnostics = Object::empty(self.library);
        // SAFETY: the builder is alive and ours alone; path and configuration are only read, and freed here; the
        // diagnostics are filled from the default allocator, with which `Object` frees them.
        let accepted = unsafe {
            (self.library.functions.builder_put)(
                self.pointer,
                path.as_ptr().cast::<c_char>(),
                length,
                object.as_ptr(),
                diagnostics.as_mut_ptr(),
            )
        };
        Added {
            accepted,
            diagnostics: diagnostics.to_json(),
        }
    }

    fn remove(&mut self, path: &str) -> bool {
        let Ok(length) = u32::try_from(path.len()) else {
            return false;
        };
        let text = path.as_ptr().cast::<c_char>();
        // SAFETY: the builder is alive and ours alone, and the path is only read.
        unsafe { (self.library.functions.builder_remove)(self.pointer, text, length) }
    }

    fn build(&mut self) -> Option<Arc<dyn WafInstance>> {
        // SAFETY: the builder is alive and ours alone.
        let pointer = unsafe { (self.library.functions.builder_build)(self.pointer) };
        if pointer.is_null() {
            return None;
        }
        let handle = Handle {
            pointer,
            library: self.library,
        };
        Some(Arc::new(DdwafInstance {
            addresses: handle.addresses(),
            handle: Arc::new(handle),
        }))
    }
}

impl Drop for DdwafBuilder {
    fn drop(&mut self) {
        // SAFETY: it is alive, and not used again; instances live on without it.
        unsafe { (self.library.functions.builder_destroy)(self.pointer) };
    }
}

/// An instance of the library.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) pointer: Pointer,
    pub(super) library: &'static Library,
}

// SAFETY: an instance is only read after it was made, and the library lets all threads do so at once.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    /// Asked for once: the list belongs to the instance.
    fn addresses(&self) -> Vec<String> {
        let mut count = 0;
        // SAFETY: the instance is alive; the list has `count` texts that end with NUL, and stays while it lives.
        unsafe {
            let list =
                (self.library.functions.known_addresses)(self.pointer, ptr::from_mut(&mut count));
            if list.is_null() {
                return Vec::new();
            }
            let texts = (0..count as usize).map(|index| *list.add(index));
            texts
                .filter(|text| !text.is_null())
                .map(|text| CStr::from_ptr(text).to_string_lossy().into_owned())
                .collect()
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is alive, and not used again; each context holds it.
        unsafe { (self.library.functions.destroy)(self.pointer) };
    }
}

/// An instance with the addresses that it knows.
#[derive(Debug)]
struct DdwafInstance {
    handle: Arc<Handle>,
    addresses: Vec<String>,
}

impl WafInstance for DdwafInstance {
    fn addresses(&self) -> &[String] {
        &self.addresses
    }

    fn context(&self) -> Result<Box<dyn WafContext>, WafError> {
        Ok(Box::new(DdwafContext::new(Arc::clone(&self.handle))?))
    }
}
