//! Installs what the tests need and the machine lacks; says what it does and fails when it cannot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::bail;

use crate::program::target_folder;
use crate::run::{command, finish, read, root, say, sh, text};

/// Installs exactly what the lock file of a folder says.
const NPM_CI: [&str; 4] = ["npm", "ci", "--no-audit", "--no-fund"];

/// One installation at a time, of those that clients ask for side by side.
static INSTALLING: Mutex<()> = Mutex::new(());

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
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    apt(&["update", "--quiet"])?;
    let words = [
        &["install", "--yes", "--no-install-recommends", "--quiet"],
        packages,
    ]
    .concat();
    apt(&words)
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let is_root = read(&root(), &["id", "-u"])?.trim() == "0";
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

/// Makes an environment of Python with the pinned packages of a folder, and returns its interpreter. `name` is that
/// of the environment's folder under `target`.
///
/// # Errors
/// When Python is missing and cannot be installed, or a package cannot.
pub(crate) fn python(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let python = environment(name)?;
    let python_text = text(&python);
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

/// Makes an empty environment of Python unless it is there, and returns its interpreter. `name` is that of its folder
/// under `target`.
///
/// # Errors
/// When Python is missing and cannot be installed.
pub(crate) fn environment(name: &str) -> anyhow::Result<PathBuf> {
    let environment = target_folder()?.join(name);
    let python = environment.join("bin/python");
    if !python.exists() {
        let has_venv = command(&root(), &["python3", "-c", "import ensurepip, venv"]).output();
        if !has_venv.is_ok_and(|output| output.status.success()) {
            say("installing Debian's python3 with its venv, in which packages are installed");
            install(&["python3", "python3-venv"])?;
        }
        sh(&root(), &["python3", "-m", "venv", &text(&environment)])?;
    }
    Ok(python)
}

/// Installs the locked npm modules of a folder, unless they are there already.
///
/// # Errors
/// When npm is missing or fails.
pub(crate) fn npm(folder: &Path) -> anyhow::Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json"))?;
    // npm removes all modules before it installs them, and this with them.
    let installed = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&installed).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    sh(folder, &NPM_CI)?;
    Ok(std::fs::write(installed, lock)?)
}

/// Installs the locked npm modules of a folder, of which some are compiled: with the headers that came with Node.js,
/// or those that npm downloads if none did.
///
/// # Errors
/// When a compiler is missing and cannot be installed, or npm is missing or fails.
pub(crate) fn npm_compiled(folder: &Path) -> anyhow::Result<()> {
    if !works(&["g++", "--version"]) || !works(&["make", "--version"]) {
        say("installing Debian's g++ and make, which compile a module for Node.js");
        install(&["g++", "make"])?;
    }
    say(&NPM_CI.join(" "));
    let node = PathBuf::from(read(folder, &["node", "-p", "process.execPath"])?.trim());
    let prefix = node.parent().and_then(Path::parent).unwrap_or(&node);
    let mut npm = command(folder, &NPM_CI);
    if prefix.join("include/node/node.h").exists() {
        npm.env("npm_config_nodedir", prefix);
    }
    finish(&mut npm)
}

/// Makes sure of CMake and Go, which the FIPS module is built with.
///
/// # Errors
/// When one is missing and cannot be installed.
pub(crate) fn cmake_and_go() -> anyhow::Result<()> {
    if !works(&["cmake", "--version"]) || !works(&["go", "version"]) {
        say("installing Debian's cmake and golang-go, which the FIPS module is built with");
        install(&["cmake", "golang-go"])?;
    }
    Ok(())
}

/// Makes sure of a Go that calls C.
///
/// # Errors
/// When Go or a C compiler is missing and cannot be installed.
pub(crate) fn cgo() -> anyhow::Result<()> {
    let needed = [
        ["go", "version"],
        ["gcc", "--version"],
        ["pkg-config", "--version"],
    ];
    if !needed.iter().all(|words| works(words)) {
        say("installing Debian's golang-go, gcc and pkg-config, with which Go calls the C library");
        install(&["golang-go", "gcc", "libc6-dev", "pkg-config"])?;
    }
    Ok(())
}

/// Makes sure of Mono, which compiles and runs C#.
///
/// # Errors
/// When it is missing and cannot be installed.
pub(crate) fn mono() -> anyhow::Result<()> {
    if !works(&["mcs", "--version"]) || !works(&["mono", "--version"]) {
        say("installing Debian's mono-mcs and mono-runtime, which compile and run C#");
        install(&[
            "mono-mcs",
            "mono-runtime",
            "libmono-corlib4.5-cil",
            "libmono-system4.0-cil",
        ])?;
    }
    Ok(())
}

/// Makes sure of the compilers of C and C++, and of valgrind, which looks over their shoulder.
///
/// # Errors
/// When one is missing and cannot be installed.
pub(crate) fn c() -> anyhow::Result<()> {
    let needed = [
        ("gcc", "gcc"),
        ("g++", "g++"),
        ("valgrind", "valgrind"),
        ("nm", "binutils"),
    ];
    let missing = needed
        .iter()
        .filter(|(tool, _)| !works(&[tool, "--version"]));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    say(&format!(
        "installing Debian's {}, for the programs of C",
        packages.join(", ")
    ));
    install(&packages)
}

/// Makes sure of a Go that builds modules, and builds the one of a folder; returns the program, which is called `name`
/// under `target`. A module that asks for a newer Go than there is gets it from Go itself.
///
/// # Errors
/// When Go is missing and cannot be installed, or the module does not compile.
pub(crate) fn go(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    if !works(&["go", "version"]) {
        say("installing Debian's golang-go, which builds a client");
        install(&["golang-go"])?;
    }
    let program = target_folder()?.join(name);
    sh(folder, &["go", "build", "-o", &text(&program), "."])?;
    Ok(program)
}

/// Makes sure of a Java that compiles what it runs, and of Maven; fetches what the `pom.xml` of a folder asks for, and
/// returns the folder of the jars, which is called `name` under `target`.
///
/// # Errors
/// When something is missing and cannot be installed or fetched.
pub(crate) fn java(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    if !works(&["javac", "-version"]) || !works(&["mvn", "--version"]) {
        say("installing Debian's default-jdk-headless and maven, which run a client and fetch it");
        install(&["default-jdk-headless", "maven"])?;
    }
    let jars = target_folder()?.join(name);
    let output = format!("-DoutputDirectory={}", jars.display());
    let words = [
        "mvn",
        "--batch-mode",
        "--quiet",
        "--strict-checksums",
        "dependency:copy-dependencies",
        &output,
    ];
    sh(folder, &words)?;
    Ok(jars)
}

/// Whether a program is there and ends well.
fn works(words: &[&str]) -> bool {
    command(&root(), words)
        .output()
        .is_ok_and(|output| output.status.success())
}
