//! Installs what the tests need and the machine lacks; says what it does and fails when it cannot.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

use crate::program::target_folder;
use crate::run::{command, finish, root, say, sh};

/// Where Debian's package puts the browser.
pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";

/// Makes sure of Debian's Chromium, which the page of the intake is tested in.
///
/// # Errors
/// When it is missing and cannot be installed.
pub(crate) fn chromium() -> anyhow::Result<()> {
    if Path::new(CHROMIUM).exists() {
        return Ok(());
    }
    say("installing Debian's chromium, which the browser tests drive");
    install(&["chromium", "fonts-dejavu-core"])
}

/// Makes sure of the fonts that the page asks for first; tests do without.
///
/// # Errors
/// When they cannot be installed.
pub(crate) fn fonts() -> anyhow::Result<()> {
    install(&["fonts-inter", "fonts-jetbrains-mono"])
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    apt(&["update", "--quiet"])?;
    let words = [
        &["install", "--yes", "--no-install-recommends", "--quiet"],
        packages,
    ]
    .concat();
    apt(&words)
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let is_root = crate::run::read(&root(), &["id", "-u"])?.trim() == "0";
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        Command::new("sudo")
    };
    if !is_root {
        command.arg("apt-get");
    }
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    if let Err(error) = finish(&mut command) {
        bail!("{error}; install the Debian packages by hand and run this again");
    }
    Ok(())
}

/// Makes an environment of Python with the pinned packages of a folder, and returns its interpreter.
///
/// # Errors
/// When Python is missing and cannot be installed, or a package cannot.
pub(crate) fn python(folder: &Path) -> anyhow::Result<PathBuf> {
    let environment = target_folder()?.join("grpc-venv");
    let python = environment.join("bin/python");
    let (at, python_text) = (environment.to_string_lossy(), python.to_string_lossy());
    if !python.exists() {
        let has_venv = command(&root(), &["python3", "-c", "import ensurepip, venv"]).output();
        if !has_venv.is_ok_and(|output| output.status.success()) {
            say("installing Debian's python3 with its venv, in which gRPC for Python is installed");
            install(&["python3", "python3-venv"])?;
        }
        sh(&root(), &["python3", "-m", "venv", &at])?;
    }
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let words = [
        &[&*python_text][..],
        &pip,
        &["--requirement", "requirements.txt"],
    ];
    sh(folder, &words.concat())?;
    Ok(python)
}

/// Installs the locked npm modules of a folder.
///
/// # Errors
/// When npm is missing or fails.
pub(crate) fn npm(folder: &Path) -> anyhow::Result<()> {
    sh(folder, &["npm", "ci", "--no-audit", "--no-fund"])
}
