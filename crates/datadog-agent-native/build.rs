//! Puts the header of C beside the library, and names what the linker must know about it.
//!
//! Generates nothing and writes nothing into the source tree.

use std::path::PathBuf;
use std::{env, fs, io};

const HEADER: &str = "include/datadog_agent_native.h";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={HEADER}");
    link();
    copy_header()
}

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo talks to a build script through its environment"
)]
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The name under which programs look for the library, and that it stays once it was loaded: its threads run on.
fn link() {
    let arguments: &[&str] = match variable("CARGO_CFG_TARGET_OS").as_str() {
        "linux" => &["-Wl,-soname,libdatadog_agent_native.so", "-Wl,-z,nodelete"],
        "macos" => &["-Wl,-install_name,@rpath/libdatadog_agent_native.dylib"],
        _ => &[],
    };
    for argument in arguments {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}

/// Beside the library: `target/release`, or `target/<triple>/release`. The script's own folder is three below.
fn copy_header() -> io::Result<()> {
    let out = PathBuf::from(variable("OUT_DIR"));
    let Some(beside) = out.ancestors().nth(3) else {
        return Ok(());
    };
    let text = fs::read(HEADER)?;
    let copy = beside.join("datadog_agent_native.h");
    // Several builds may run at once: none must see half a header, nor see it change for nothing.
    if fs::read(&copy).is_ok_and(|held| held == text) {
        return Ok(());
    }
    let new = out.join("datadog_agent_native.h");
    fs::write(&new, text)?;
    fs::rename(new, copy)
}
