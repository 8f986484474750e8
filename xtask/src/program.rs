//! Starts the agent's program and reads the addresses that it announces; ends it when dropped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

use crate::run::{read, root, sh};

/// A Cargo profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// What a user runs.
    Release,
    /// What a package holds.
    Dist,
}

impl Profile {
    /// As Cargo calls it.
    pub(crate) const fn flag(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }

    /// Where Cargo puts what it builds with it, under `target`.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release | Self::Dist => self.flag(),
        }
    }
}

/// Builds the program and returns its path.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    build_with(profile, &[])
}

/// [`build`], with more arguments for Cargo.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build_with(profile: Profile, more: &[&str]) -> anyhow::Result<PathBuf> {
    let words = [
        "cargo",
        "build",
        "--locked",
        "--package",
        "datadog-agent",
        "--profile",
        profile.flag(),
    ];
    sh(&root(), &[&words, more].concat())?;
    Ok(target_folder()?
        .join(profile.folder())
        .join("datadog-agent-native"))
}

/// The folder that Cargo builds into, wherever the caller has put it.
///
/// # Errors
/// When Cargo cannot read the workspace.
pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    let metadata = read(
        &root(),
        &["cargo", "metadata", "--format-version", "1", "--no-deps"],
    )?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let folder = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(folder))
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// What it announced: names and addresses.
    pub(crate) announced: Value,
}

impl Program {
    /// Starts `program` with `arguments` and waits for the line of JSON that says where it listens.
    ///
    /// # Errors
    /// When it cannot be started or ends without such a line.
    pub(crate) fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--format", "json"])
            .envs(environment.iter().copied())
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let announced = serde_json::from_str(&line).with_context(|| {
            format!(
                "{} {arguments:?} announced no addresses but {line:?}",
                program.display()
            )
        })?;
        Ok(Self { child, announced })
    }

    /// An address that was announced.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn url(&self, name: &str) -> anyhow::Result<&str> {
        self.announced[name]
            .as_str()
            .with_context(|| format!("no {name} in {}", self.announced))
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the program to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it ends with another status than 0.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        terminate(self.child.id())?;
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let running = matches!(self.child.try_wait(), Ok(None));
        if running && terminate(self.child.id()).is_ok() {
            drop(self.child.wait());
        }
    }
}

fn terminate(id: u32) -> anyhow::Result<()> {
    read(&root(), &["kill", "-TERM", &id.to_string()]).map(drop)
}
