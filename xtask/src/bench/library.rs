//! The library inside a host of C: how large it is, how soon it is ready, what it takes while nothing happens.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use super::{Options, report, report_value};
use crate::program::Profile;
use crate::run::{command, read, root, say, text};
use crate::{library, setup};

/// Builds the library as a package holds it, and runs the host against it.
///
/// # Errors
/// When something does not compile, or the host fails.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    setup::c()?;
    let library = library::build(Profile::Dist)?;
    let folder = library.parent().context("the library has no folder")?;
    let megabytes = fs::metadata(&library)?.len() as f64 / 1e6;
    report("library_size", megabytes, "MB", options);
    let host = folder.join("bench-library");
    compile(folder, &host)?;
    say("starting and stopping the library in a host of C");
    let output = read(folder, &[&text(&host)])?;
    for line in output.lines() {
        report_value(&serde_json::from_str::<Value>(line)?, options);
    }
    Ok(())
}

fn compile(release: &Path, host: &Path) -> anyhow::Result<()> {
    let source = root().join("xtask/src/bench/library.c");
    let folder = text(release);
    let words = [
        "gcc",
        "-std=c99",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        &format!("-I{folder}"),
        &text(&source),
        "-o",
        &text(host),
        &format!("-L{folder}"),
        "-ldatadog_agent_native",
        &format!("-Wl,-rpath,{folder}"),
        // An rpath of the old kind goes before `LD_LIBRARY_PATH`, where Cargo has put the unoptimised library.
        "-Wl,--disable-new-dtags",
    ];
    crate::run::finish(&mut command(&root(), &words))
}
