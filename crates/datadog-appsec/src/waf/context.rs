//! Contexts of the library: what is known of one request, or of something within it.

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::builder::Handle;
use super::library::{Library, Pointer};
use super::object::{Object, is_success};
use crate::engine::{Action, Evaluation, WafContext, WafError};
use crate::value::Value;

/// Which of the two kinds of contexts; their functions have different names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Within,
}

/// A context of the library. It holds the instance whose rules it uses.
#[derive(Debug)]
pub(super) struct DdwafContext {
    pointer: Pointer,
    kind: Kind,
    handle: Arc<Handle>,
}

// SAFETY: the library asks only that a context is not used by two threads at once, which `&mut self` ensures. A
// subcontext shares what its context knew by reference counts that threads may touch.
unsafe impl Send for DdwafContext {}

impl DdwafContext {
    pub(super) fn new(handle: Arc<Handle>) -> Result<Self, WafError> {
        let library = handle.library;
        // SAFETY: the instance is alive, and the allocator is that of the process.
        let pointer =
            unsafe { (library.functions.context_init)(handle.pointer, library.allocator.0) };
        Self::checked(pointer, Kind::Request, handle)
    }

    fn checked(pointer: Pointer, kind: Kind, handle: Arc<Handle>) -> Result<Self, WafError> {
        if pointer.is_null() {
            return Err(WafError::Internal);
        }
        Ok(Self {
            pointer,
            kind,
            handle,
        })
    }

    fn library(&self) -> &'static Library {
        self.handle.library
    }
}

impl WafContext for DdwafContext {
    fn evaluate(&mut self, data: &Value, budget: Duration) -> Result<Evaluation, WafError> {
        let library = self.library();
        let mut data = Object::of(library, data)?;
        let mut result = Object::empty(library);
        let budget = u64::try_from(budget.as_micros()).unwrap_or(u64::MAX);
        let evaluate = match self.kind {
            Kind::Request => library.functions.context_eval,
            Kind::Within => library.functions.subcontext_eval,
        };
        // SAFETY: the context is alive and ours alone; data and result are objects of the default allocator, which
        // is the one named here and the one of the context's results.
        let code = unsafe {
            evaluate(
                self.pointer,
                data.as_mut_ptr(),
                library.allocator.0,
                result.as_mut_ptr(),
                budget,
            )
        };
        // Taken and kept by the context, or freed because it was invalid, or in an unknown state after an internal
        // error; only after an invalid argument does it still belong to us.
        if code != -1 {
            data.forget();
        }
        if is_success(code) {
            return Ok(evaluation(result.to_json()));
        }
        Err(failure(code))
    }

    fn subcontext(&mut self) -> Result<Box<dyn WafContext>, WafError> {
        if self.kind == Kind::Within {
            return Err(WafError::InvalidArgument);
        }
        // SAFETY: the context is alive and ours alone.
        let pointer = unsafe { (self.library().functions.subcontext_init)(self.pointer) };
        let handle = Arc::clone(&self.handle);
        Ok(Box::new(Self::checked(pointer, Kind::Within, handle)?))
    }
}

impl Drop for DdwafContext {
    fn drop(&mut self) {
        let functions = &self.library().functions;
        let destroy = match self.kind {
            Kind::Request => functions.context_destroy,
            Kind::Within => functions.subcontext_destroy,
        };
        // SAFETY: it is alive, and not used again. A subcontext may outlive its context.
        unsafe { destroy(self.pointer) };
    }
}

fn failure(code: c_int) -> WafError {
    match code {
        -1 => WafError::InvalidArgument,
        -2 => WafError::InvalidObject,
        _ => WafError::Internal,
    }
}

/// Reads the map that the library makes of an evaluation.
fn evaluation(result: Json) -> Evaluation {
    let Json::Object(mut result) = result else {
        return Evaluation::default();
    };
    let events = match result.remove("events") {
        Some(Json::Array(events)) => events,
        _ => Vec::new(),
    };
    let mut flag = |name: &str| result.remove(name) == Some(Json::Bool(true));
    let (keep, timed_out) = (flag("keep"), flag("timeout"));
    let duration = result.get("duration").and_then(Json::as_u64);
    let actions = members(&mut result, "actions");
    Evaluation {
        events,
        actions: actions
            .into_iter()
            .map(|(kind, parameters)| Action { kind, parameters })
            .collect(),
        attributes: members(&mut result, "attributes").into_iter().collect(),
        keep,
        timed_out,
        duration: Duration::from_nanos(duration.unwrap_or(0)),
    }
}

fn members(result: &mut Map<String, Json>, name: &str) -> Map<String, Json> {
    match result.remove(name) {
        Some(Json::Object(members)) => members,
        _ => Map::new(),
    }
}
