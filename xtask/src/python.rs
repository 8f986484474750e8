//! The Python package: types, tests, and the wheel in an environment of its own, against an intake.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::library::Stage;
use crate::program::target_folder;
use crate::run::{command, finish, print, root, say, sh, text};
use crate::setup;

/// Runs everything.
///
/// # Errors
/// The first thing that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = root().join("python");
    let stage = Stage::start()?;
    let python = setup::python(&folder.join("tests"), "python-venv")?;
    let python = text(&python);
    sh(&folder, &[&python, "-m", "mypy"])?;
    let wheel = wheel(&folder, &python, &stage)?;
    say("pytest in python, against a running intake");
    let words = [python.as_str(), "-m", "pytest", "-p", "no:cacheprovider"];
    let mut tests = command(&folder, &words);
    finish(stage.furnish(&mut tests)?.env("WHEEL", &wheel))?;
    stage.end()?;
    print("python: types, tests and wheel are as expected");
    Ok(())
}

/// Builds the wheel around the library, with the tools of the environment.
fn wheel(folder: &Path, python: &str, stage: &Stage) -> anyhow::Result<PathBuf> {
    let wheels = target_folder()?.join("wheels");
    if wheels.exists() {
        std::fs::remove_dir_all(&wheels)?;
    }
    let target = text(&wheels);
    let words = [
        python,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-build-isolation",
        "--no-deps",
        "--wheel-dir",
        &target,
        ".",
    ];
    say(&words.join(" "));
    let mut pip = command(folder, &words);
    finish(stage.furnish(&mut pip)?)?;
    let mut made = std::fs::read_dir(&wheels)?;
    let wheel = made.next().context("pip made no wheel")??;
    Ok(wheel.path())
}
