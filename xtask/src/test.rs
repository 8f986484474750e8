//! All tests: those of the crates, those of the agent with the firewall, those of the page in a real browser, those against another gRPC, the programs of C
//! under valgrind, those with the clients of DogStatsD and the tracers that people use, those of the packages for other
//! languages, and the smoke run.

use std::path::Path;

use crate::program::{self, Profile, Program};
use crate::run::{command, finish, print, root, say, sh};
use crate::{csharp, dogstatsd, examples, go, nodejs, python, setup, smoke, tracers, waf};

/// Installs what is missing, then runs everything.
///
/// # Errors
/// The first run that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::chromium()?;
    setup::c()?;
    let root = root();
    crates(&root)?;
    firewall(&root)?;
    sh(
        &root,
        &["cargo", "test", "--locked", "--workspace", "--doc"],
    )?;
    browser(&[])?;
    grpc()?;
    capi()?;
    dogstatsd::run(&dogstatsd::Options::default())?;
    tracers::run(&tracers::Options::default())?;
    python::run()?;
    nodejs::run()?;
    go::run()?;
    csharp::run()?;
    examples::run(&examples::Options::default())?;
    smoke::run()
}

/// The tests of all crates, those of the firewall with its library where there is one for this machine.
fn crates(root: &Path) -> anyhow::Result<()> {
    let mut tests = command(
        root,
        &["cargo", "test", "--locked", "--workspace", "--all-targets"],
    );
    if let Some(library) = waf::library()? {
        tests.env("DD_APPSEC_LIBDDWAF_PATH", library);
    }
    say("cargo test --locked --workspace --all-targets");
    finish(&mut tests)
}

/// The tests of the agent with the firewall built in, with its library where there is one for this machine.
fn firewall(root: &Path) -> anyhow::Result<()> {
    let words = "cargo test --locked --package datadog-agent-native --features appsec --lib --test appsec --test appsec_middleware";
    let mut tests = command(root, &words.split(' ').collect::<Vec<_>>());
    if let Some(library) = waf::library()? {
        tests.env("DD_APPSEC_LIBDDWAF_PATH", library);
    }
    say(words);
    finish(&mut tests)
}

/// The stateful stream between our programs and gRPC for Python.
///
/// # Errors
/// When something is missing, or either side does not understand the other.
pub(crate) fn grpc() -> anyhow::Result<()> {
    let folder = root().join("tests/grpc");
    let python = setup::python(&folder, "grpc-venv")?;
    let program = program::build(Profile::Dev)?;
    let (python, program) = (python.to_string_lossy(), program.to_string_lossy());
    sh(&folder, &[&python, "check.py", &program])
}

/// The programs of C against the library, once more, under valgrind; that of the firewall against a library that has one
/// too.
///
/// # Errors
/// When something is missing, or a program fails, leaks or reads what is not its own.
pub(crate) fn capi() -> anyhow::Result<()> {
    setup::c()?;
    let words = "cargo test --locked --package datadog-agent-native --test ffi_operational_modes -- --include-ignored";
    sh(&root(), &words.split(' ').collect::<Vec<_>>())?;
    let words = "cargo test --locked --package datadog-agent-native --features appsec --test ffi_operational_modes -- --include-ignored requests exactly";
    let mut firewall = command(&root(), &words.split(' ').collect::<Vec<_>>());
    match waf::library()? {
        Some(library) => drop(firewall.env("DD_APPSEC_LIBDDWAF_PATH", library)),
        None => print("there is no libddwaf for this machine: what needs it does not run"),
    }
    say(words);
    finish(&mut firewall)
}

/// Takes the picture of the page that the README shows.
///
/// # Errors
/// When something is missing, or the page does not work.
pub(crate) fn screenshot() -> anyhow::Result<()> {
    setup::chromium()?;
    setup::fonts()?;
    let picture = root().join("docs/intake.png");
    browser(&[("SCREENSHOT", picture.as_path())])
}

/// Drives the page of the intake with Chromium, fed through a real agent.
fn browser(extra: &[(&str, &Path)]) -> anyhow::Result<()> {
    let folder = root().join("tests/browser");
    setup::npm(&folder)?;
    let program = program::build(Profile::Dev)?;
    // The page's tests play the agent that polls, and count requests.
    let quiet = [("DD_REMOTE_CONFIGURATION_ENABLED", "false")];
    let dev = Program::start(&program, &["dev", "--ephemeral"], &quiet)?;
    say("node --test in tests/browser, against a running `dev`");
    finish(
        command(&folder, &["node", "--test"])
            .env("CHROMIUM", setup::CHROMIUM)
            .env("INTAKE_URL", dev.url("intake")?)
            .env("LOG_URL", dev.url("logs")?)
            .envs(extra.iter().copied()),
    )?;
    dev.stop()
}
