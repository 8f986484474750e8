//! Finds, checks and loads the shared library, and holds its functions.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::object::Raw;
use crate::error::Error;

/// What a 2.x version begins with.
const GENERATION: &str = "2.";

/// As the dynamic linker may know it.
#[cfg(target_os = "macos")]
const NAMES: &[&str] = &["libddwaf.dylib"];
#[cfg(windows)]
const NAMES: &[&str] = &["ddwaf.dll", "libddwaf.dll"];
#[cfg(not(any(target_os = "macos", windows)))]
const NAMES: &[&str] = &["libddwaf.so.2", "libddwaf.so"];

/// What was loaded in this process; nothing is ever taken out.
static LOADED: Mutex<Vec<&'static Library>> = Mutex::new(Vec::new());

/// An opaque pointer of the library.
pub(super) type Pointer = *mut c_void;

type Version = unsafe extern "C" fn() -> *const c_char;
type Evaluate = unsafe extern "C" fn(Pointer, *mut Raw, Pointer, *mut Raw, u64) -> c_int;
type Slot = unsafe extern "C" fn(*mut Raw, Pointer) -> *mut Raw;
type KeySlot = unsafe extern "C" fn(*mut Raw, *const c_char, u32, Pointer) -> *mut Raw;
type Container = unsafe extern "C" fn(*mut Raw, u16, Pointer) -> *mut Raw;
type Setter<T> = unsafe extern "C" fn(*mut Raw, T) -> *mut Raw;
type Getter<T> = unsafe extern "C" fn(*const Raw) -> T;
type At = unsafe extern "C" fn(*const Raw, usize) -> *const Raw;

/// Declares the functions that are called, and resolves each by its name.
macro_rules! functions {
    ($($field:ident = $name:literal: $type:ty,)*) => {
        /// The functions of the library that are called.
        pub(super) struct Functions {
            $(pub(super) $field: $type,)*
        }

        impl Functions {
            /// # Safety
            /// `library` must be libddwaf 2.x and must never be unloaded.
            unsafe fn resolve(library: &libloading::Library) -> Result<Self, &'static str> {
                Ok(Self {
                    $(
                        // SAFETY: the type is that of the function in the header of 2.x, which the caller promises
                        // to have before it; the pointer is copied out of its guard and stays valid, because the
                        // library is never unloaded.
                        $field: *unsafe { library.get::<$type>($name) }.map_err(|_| $name)?,
                    )*
                })
            }
        }
    };
}

functions! {
    default_allocator = "ddwaf_get_default_allocator": unsafe extern "C" fn() -> Pointer,
    builder_init = "ddwaf_builder_init": unsafe extern "C" fn() -> Pointer,
    builder_put = "ddwaf_builder_add_or_update_config":
        unsafe extern "C" fn(Pointer, *const c_char, u32, *const Raw, *mut Raw) -> bool,
    builder_remove = "ddwaf_builder_remove_config":
        unsafe extern "C" fn(Pointer, *const c_char, u32) -> bool,
    builder_build = "ddwaf_builder_build_instance": unsafe extern "C" fn(Pointer) -> Pointer,
    builder_destroy = "ddwaf_builder_destroy": unsafe extern "C" fn(Pointer),
    destroy = "ddwaf_destroy": unsafe extern "C" fn(Pointer),
    known_addresses = "ddwaf_known_addresses":
        unsafe extern "C" fn(Pointer, *mut u32) -> *const *const c_char,
    context_init = "ddwaf_context_init": unsafe extern "C" fn(Pointer, Pointer) -> Pointer,
    context_eval = "ddwaf_context_eval": Evaluate,
    context_destroy = "ddwaf_context_destroy": unsafe extern "C" fn(Pointer),
    subcontext_init = "ddwaf_subcontext_init": unsafe extern "C" fn(Pointer) -> Pointer,
    subcontext_eval = "ddwaf_subcontext_eval": Evaluate,
    subcontext_destroy = "ddwaf_subcontext_destroy": unsafe extern "C" fn(Pointer),
    set_invalid = "ddwaf_object_set_invalid": Getter<*mut Raw>,
    set_null = "ddwaf_object_set_null": Getter<*mut Raw>,
    set_bool = "ddwaf_object_set_bool": Setter<bool>,
    set_signed = "ddwaf_object_set_signed": Setter<i64>,
    set_unsigned = "ddwaf_object_set_unsigned": Setter<u64>,
    set_float = "ddwaf_object_set_float": Setter<f64>,
    set_string = "ddwaf_object_set_string": KeySlot,
    set_array = "ddwaf_object_set_array": Container,
    set_map = "ddwaf_object_set_map": Container,
    insert = "ddwaf_object_insert": Slot,
    insert_key = "ddwaf_object_insert_key": KeySlot,
    get_type = "ddwaf_object_get_type": Getter<c_int>,
    get_size = "ddwaf_object_get_size": Getter<usize>,
    get_string = "ddwaf_object_get_string": unsafe extern "C" fn(*const Raw, *mut usize) -> *const c_char,
    get_signed = "ddwaf_object_get_signed": Getter<i64>,
    get_unsigned = "ddwaf_object_get_unsigned": Getter<u64>,
    get_float = "ddwaf_object_get_float": Getter<f64>,
    get_bool = "ddwaf_object_get_bool": Getter<bool>,
    at_key = "ddwaf_object_at_key": At,
    at_value = "ddwaf_object_at_value": At,
    object_destroy = "ddwaf_object_destroy": unsafe extern "C" fn(*mut Raw, Pointer),
}

/// The loaded library.
pub(super) struct Library {
    path: PathBuf,
    version: String,
    /// Held so that it stays loaded.
    _opened: ManuallyDrop<libloading::Library>,
    /// The allocator of everything that goes in and comes out; one for the process.
    pub(super) allocator: Allocator,
    pub(super) functions: Functions,
}

/// The library's own allocator.
#[derive(Clone, Copy)]
pub(super) struct Allocator(pub(super) Pointer);

// SAFETY: the default allocator is one object of the library for the whole process, which any thread may use.
unsafe impl Send for Allocator {}
// SAFETY: as above.
unsafe impl Sync for Allocator {}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("path", &self.path)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Library {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

/// Loads what was asked for, or else the first that can be loaded.
///
/// # Errors
/// When there is none, or the first that could be opened is not the right one.
pub(super) fn load(path: Option<&Path>) -> Result<&'static Library, Error> {
    let candidates = path.map_or_else(search, |path| vec![path.to_path_buf()]);
    let mut tried = Vec::new();
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    for candidate in candidates {
        if let Some(library) = loaded.iter().find(|library| library.path == candidate) {
            return Ok(library);
        }
        // SAFETY: what a library does when it is opened cannot be known; the path comes from the configuration of
        // the agent or is the name of libddwaf, whose start-up code only makes its own tables.
        match unsafe { libloading::Library::new(&candidate) } {
            Ok(opened) => {
                let library = Box::leak(Box::new(check(candidate, opened)?));
                loaded.push(library);
                return Ok(library);
            }
            Err(error) => tried.push(format!("{}: {}", candidate.display(), cause(&error))),
        }
    }
    let tried = tried.join("; ");
    Err(Error::LibraryNotFound { tried })
}

/// What the linker says is the source of what the crate around it says.
fn cause(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Beside the shared library that this code is part of first, then beside the program, then where the linker looks.
fn search() -> Vec<PathBuf> {
    let file = Path::new(NAMES.last().copied().unwrap_or_default());
    let own = [own_object(), std::env::current_exe().ok()];
    let beside = own.iter().flatten().filter_map(|object| object.parent());
    let beside = beside.map(|folder| folder.join(file));
    let names = NAMES.iter().map(|name| PathBuf::from(OsStr::new(name)));
    let mut all: Vec<PathBuf> = beside.filter(|path| path.is_file()).chain(names).collect();
    all.dedup();
    all
}

/// The shared library that this code is part of, or the program. Nothing, where it was opened by a path that is not whole:
/// the folder that such a one begins in may be another by now.
#[cfg(unix)]
fn own_object() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;

    let here: fn() -> Option<PathBuf> = own_object;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: the address is only looked up among those of the objects that are loaded, and what is found is written
    // to `info`, which has room for it.
    let is_found = unsafe { libc::dladdr(here as *const c_void, info.as_mut_ptr()) } != 0;
    // SAFETY: its fields are pointers, for which all zeros is a value.
    let name = unsafe { info.assume_init() }.dli_fname;
    if !is_found || name.is_null() {
        return None;
    }
    // SAFETY: the linker's own text, which ends with NUL and lives as long as the object, whose code this is.
    let name = unsafe { CStr::from_ptr(name) };
    let path = Path::new(OsStr::from_bytes(name.to_bytes()));
    path.is_absolute().then(|| path.to_path_buf())
}

/// Not known here: the program stands for it.
#[cfg(not(unix))]
fn own_object() -> Option<PathBuf> {
    None
}

/// Asks for the version, and only then for everything else. What is refused stays loaded, as what is taken does.
fn check(path: PathBuf, opened: libloading::Library) -> Result<Library, Error> {
    let opened = ManuallyDrop::new(opened);
    let named = path.display().to_string();
    let missing = |symbol| Error::LibraryIncomplete {
        path: named.clone(),
        symbol,
    };
    const VERSION: &str = "ddwaf_get_version";
    // SAFETY: the function has this type in every generation of libddwaf.
    let version = unsafe { opened.get::<Version>(VERSION) }.map_err(|_| missing(VERSION))?;
    // SAFETY: it takes nothing and gives a static text that ends with NUL, or nothing.
    let version = unsafe {
        let text = version();
        if text.is_null() {
            return Err(missing(VERSION));
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    };
    if !version.starts_with(GENERATION) {
        return Err(Error::LibraryIncompatible {
            path: named,
            found: version,
        });
    }
    // SAFETY: its version says that it is 2.x, and nothing closes it.
    let functions = unsafe { Functions::resolve(&opened) }.map_err(missing)?;
    // SAFETY: takes nothing, and gives the one allocator of the process.
    let allocator = Allocator(unsafe { (functions.default_allocator)() });
    Ok(Library {
        path,
        version,
        _opened: opened,
        allocator,
        functions,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_object_of_this_code_is_known() {
        let own = own_object().unwrap();
        let program = std::env::current_exe().unwrap();
        assert_eq!(own.canonicalize().unwrap(), program.canonicalize().unwrap());
    }

    #[test]
    fn the_linker_is_asked_last() {
        let names: Vec<PathBuf> = NAMES.iter().map(PathBuf::from).collect();
        assert!(search().ends_with(&names));
    }
}
