//! The engine of libddwaf, a shared library that is loaded at run time; the only unsafe code of the crate.
//!
//! Written against the 2.x C interface by hand: a 1.x library has functions of the same names with other layouts, so
//! the version is asked for before anything else is called. The library is never unloaded, because it keeps state of
//! its own for each thread.
//! What goes in and comes out are values and JSON; no pointer leaves this module.

mod builder;
mod context;
mod library;
mod object;

use std::path::Path;

use self::builder::DdwafBuilder;
use self::library::Library;
use crate::engine::{WafBuilder, WafEngine, WafError};
use crate::error::Error;

/// The engine of libddwaf 2.x.
#[derive(Debug, Clone, Copy)]
pub struct DdwafEngine {
    library: &'static Library,
}

impl DdwafEngine {
    /// Loads the library: the file at `path`, or, without one, the file beside the shared library that this code is part of, that beside the running program, or what the
    /// dynamic linker finds. A file is loaded once in a process and stays.
    ///
    /// # Errors
    /// When none can be loaded, or what was found is no libddwaf 2.x. A file that was asked for by its path is not
    /// replaced by another.
    pub fn load(path: Option<&Path>) -> Result<Self, Error> {
        library::load(path).map(|library| Self { library })
    }

    /// The file that was loaded, as it was named to the dynamic linker.
    pub fn path(&self) -> &'static Path {
        self.library.path()
    }
}

impl WafEngine for DdwafEngine {
    fn version(&self) -> &str {
        self.library.version()
    }

    fn builder(&self) -> Result<Box<dyn WafBuilder>, WafError> {
        Ok(Box::new(DdwafBuilder::new(self.library)?))
    }
}
