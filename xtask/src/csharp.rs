//! The C# package, compiled and run with Debian's Mono, against an intake.

use std::path::{Path, PathBuf};

use crate::library::Stage;
use crate::program::target_folder;
use crate::run::{command, finish, print, root, say, sh, text};
use crate::setup;

/// The language that Mono and .NET both have.
const MCS: [&str; 3] = ["mcs", "-langversion:7", "-warnaserror"];

/// Runs everything.
///
/// # Errors
/// The first thing that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::mono()?;
    let stage = Stage::start()?;
    let package = package()?;
    let tests = program(&package, &root().join("csharp/tests/Tests.cs"))?;
    say("mono tests.exe, against a running intake");
    finish(
        stage
            .furnish(&mut command(&root(), &["mono", &text(&tests)]))?
            .env("LD_LIBRARY_PATH", stage.folder()?),
    )?;
    stage.end()?;
    print("csharp: layout and tests are as expected");
    Ok(())
}

/// Compiles the package, and returns its assembly.
///
/// # Errors
/// When it does not compile.
pub(crate) fn package() -> anyhow::Result<PathBuf> {
    let folder = target_folder()?.join("csharp");
    std::fs::create_dir_all(&folder)?;
    let assembly = folder.join("Datadog.AgentNative.dll");
    let out = format!("-out:{}", assembly.display());
    let words = [&MCS[..], &["-target:library", &out, "src/*.cs"]].concat();
    sh(&root().join("csharp"), &words)?;
    Ok(assembly)
}

/// Compiles a program that uses the package, beside it.
///
/// # Errors
/// When it does not compile.
pub(crate) fn program(package: &Path, source: &Path) -> anyhow::Result<PathBuf> {
    let name = source.file_stem().unwrap_or(source.as_os_str());
    let program = package.with_file_name(name).with_extension("exe");
    let (reference, out) = (
        format!("-r:{}", package.display()),
        format!("-out:{}", program.display()),
    );
    let source = text(source);
    let words = [&MCS[..], &[&reference, &out, &source]].concat();
    sh(&root(), &words)?;
    Ok(program)
}
