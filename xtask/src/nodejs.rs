//! The Node.js package: types, tests, and the packed packages in a folder of their own, against an intake.

use crate::library::Stage;
use crate::run::{command, finish, print, root, say, sh};
use crate::setup;

/// Runs everything.
///
/// # Errors
/// The first thing that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = root().join("nodejs");
    let stage = Stage::start()?;
    setup::npm(&folder)?;
    sh(
        &folder,
        &["node_modules/.bin/tsc", "--project", "tests/types"],
    )?;
    say("node --test in nodejs, against a running intake");
    let mut tests = command(&folder, &["node", "--test"]);
    finish(stage.furnish(&mut tests)?)?;
    stage.end()?;
    print("nodejs: types, tests and packages are as expected");
    Ok(())
}
