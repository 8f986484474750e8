//! The library inside a host of C: how large it is, how soon it is ready, what it takes while nothing happens.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Options, report, report_value};
use crate::program::target_folder;
use crate::run::{command, read, root, say, sh, text};
use crate::setup;

/// Builds the library as a user would, and runs the host against it.
///
/// # Errors
/// When something does not compile, or the host fails.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    setup::c()?;
    let words = "cargo build --locked --release --package datadog-agent-native";
    sh(&root(), &words.split(' ').collect::<Vec<_>>())?;
    let release = target_folder()?.join("release");
    let library = release.join("libdatadog_agent_native.so");
    let megabytes = |path: &Path| anyhow::Ok(fs::metadata(path)?.len() as f64 / 1e6);
    report("library_size", megabytes(&library)?, "MB", options);
    let host = release.join("bench-library");
    compile(&release, &host)?;
    say("starting and stopping the library in a host of C");
    let output = read(&release, &[&text(&host)])?;
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
    ];
    crate::run::finish(&mut command(&root(), &words))
}
