//! Files that are generated and checked in: the reference of configuration keys, the types of protobuf messages, the
//! header of C.

mod header;
mod protobuf;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::run::{print, root};

/// What to do with the generated files.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Options {
    /// Changes nothing; fails when a file is not what would be generated.
    #[arg(long)]
    check: bool,
}

/// Writes the generated files, or checks them.
///
/// # Errors
/// When a file cannot be written, or differs in a check.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    if options.check { check() } else { write() }
}

fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = protobuf::files()?;
    files.push(header::file()?);
    files.push((
        root().join("docs/configuration.md"),
        datadog_agent_config::render_markdown(),
    ));
    Ok(files)
}

fn write() -> anyhow::Result<()> {
    for (path, text) in files()? {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        print(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// Fails when a generated file is not current.
///
/// # Errors
/// Names the first such file.
pub(crate) fn check() -> anyhow::Result<()> {
    for (path, text) in files()? {
        let held =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if held != text {
            bail!(
                "{} is not current: run `cargo xtask codegen`",
                path.display()
            );
        }
    }
    Ok(())
}
