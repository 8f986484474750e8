//! Runs other programs, and says which before it does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Writes a headline to standard error, so that it stands between the outputs of the programs.
#[allow(clippy::print_stderr, reason = "this is a command line tool")]
pub(crate) fn say(text: &str) {
    eprintln!("\n== {text}");
}

/// Writes a line of result to standard output.
#[allow(clippy::print_stdout, reason = "this is a command line tool")]
pub(crate) fn print(text: &str) {
    println!("{text}");
}

/// A path as a word of a command.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A command that runs in `folder`, given as words.
pub(crate) fn command(folder: &Path, words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command
}

/// Runs a command to its end with its output shown.
///
/// # Errors
/// When it cannot be started, or ends with another status than 0.
pub(crate) fn sh(folder: &Path, words: &[&str]) -> anyhow::Result<()> {
    say(&words.join(" "));
    finish(&mut command(folder, words))
}

/// Runs a prepared command to its end with its output shown.
///
/// # Errors
/// When it cannot be started, or ends with another status than 0.
pub(crate) fn finish(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Runs a command and returns what it printed.
///
/// # Errors
/// When it cannot be started, or ends with another status than 0.
pub(crate) fn read(folder: &Path, words: &[&str]) -> anyhow::Result<String> {
    let output = command(folder, words)
        .output()
        .with_context(|| format!("cannot start {words:?}"))?;
    if !output.status.success() {
        bail!(
            "{words:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
