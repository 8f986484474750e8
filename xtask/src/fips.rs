//! The build with the FIPS validated module: its tests, what it is linked with, and what every other build is not.
//!
//! Not a part of `test`: the module takes CMake, Go and minutes to build, and the default build needs none of it.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::program::{self, Profile};
use crate::run::{command, print, read, root, say, sh};
use crate::setup;

/// The crate that holds the validated module.
const MODULE: &str = "aws-lc-fips-sys";
/// What the module says of itself inside a program.
const MARKER: &str = "AWS-LC FIPS";

/// Builds, tests and looks.
///
/// # Errors
/// The first thing that is not so.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::cmake_and_go()?;
    dependencies()?;
    for (package, filter) in [
        ("datadog-agent-runtime", "connect"),
        ("datadog-agent-native", "fips"),
    ] {
        let words = [
            "cargo",
            "test",
            "--locked",
            "--package",
            package,
            "--features",
            "fips",
            "--lib",
            filter,
        ];
        sh(&root(), &words)?;
    }
    program()
}

/// One TLS stack in every build, and the validated module only where it was asked for.
fn dependencies() -> anyhow::Result<()> {
    for features in [&[][..], &["--features", "fips"]] {
        ensure!(
            versions("ring", features)?.is_empty(),
            "ring is in the tree of a build with {features:?}"
        );
        let found = versions(MODULE, features)?;
        ensure!(
            found.len() == usize::from(!features.is_empty()),
            "{MODULE} in a build with {features:?}: {found:?}"
        );
    }
    print("fips: no ring in any build; one module with the feature, none without");
    Ok(())
}

/// The versions of a crate among the dependencies of the program.
fn versions(name: &str, features: &[&str]) -> anyhow::Result<Vec<String>> {
    let words = [
        "cargo",
        "tree",
        "--locked",
        "--package",
        "datadog-agent",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ];
    let tree = read(&root(), &[&words, features].concat())?;
    let mut found: Vec<String> = tree
        .lines()
        .filter(|line| line.split(' ').next() == Some(name))
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// The program with the feature: it holds the module, nothing of ring, and starts, which is when the module tests itself.
fn program() -> anyhow::Result<()> {
    let program = program::build_with(Profile::Dev, &["--features", "fips"])?;
    let bytes = std::fs::read(&program)?;
    let holds = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    ensure!(
        holds(MARKER),
        "{} does not hold {MARKER:?}",
        program.display()
    );
    ensure!(
        !holds("ring_core"),
        "{} holds symbols of ring",
        program.display()
    );
    say("datadog-agent-native --version");
    let version = output(command(&root(), &[&program.to_string_lossy(), "--version"]))?;
    ensure!(
        version.contains("+fips"),
        "the program calls itself {version:?}"
    );
    print(&format!(
        "fips: {} holds the module and calls itself {}",
        program.display(),
        version.trim()
    ));
    Ok(())
}

fn output(mut command: Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
