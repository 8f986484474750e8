//! Puts the embeddable library where compilers look: header, shared and static library, and what pkg-config is told.

use std::path::{Path, PathBuf};

use crate::library;
use crate::program::Profile;
use crate::run::{print, root};

/// What is installed where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder above `include` and `lib`.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
}

/// Builds the library as it is released, and installs it.
///
/// # Errors
/// When it does not compile, or a file cannot be written.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let library = library::build(Profile::Release)?;
    let prefix = std::path::absolute(&options.prefix)?;
    for file in copy(&library, &prefix)? {
        print(&format!("installed {}", file.display()));
    }
    Ok(())
}

/// Installs a library that is built; returns the files.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn copy(library: &Path, prefix: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let pkgconfig = lib.join("pkgconfig");
    for folder in [&include, &pkgconfig] {
        std::fs::create_dir_all(folder)?;
    }
    let name = library.file_name().unwrap_or(library.as_os_str());
    let archive = library.with_extension("a");
    let mut files = vec![(library.to_owned(), lib.join(name))];
    if let (true, Some(name)) = (archive.exists(), archive.file_name()) {
        files.push((archive.clone(), lib.join(name)));
    }
    let header = "datadog_agent_native.h";
    let source = root()
        .join("crates/datadog-agent-native/include")
        .join(header);
    files.push((source, include.join(header)));
    for (from, to) in &files {
        std::fs::copy(from, to)?;
    }
    let description = pkgconfig.join("datadog-agent-native.pc");
    std::fs::write(&description, described(prefix))?;
    let mut installed: Vec<PathBuf> = files.into_iter().map(|(_, to)| to).collect();
    installed.push(description);
    Ok(installed)
}

/// What pkg-config is told.
fn described(prefix: &Path) -> String {
    let (prefix, version) = (prefix.display(), env!("CARGO_PKG_VERSION"));
    format!(
        "prefix={prefix}\n\
         includedir=${{prefix}}/include\n\
         libdir=${{prefix}}/lib\n\
         \n\
         Name: datadog-agent-native\n\
         Description: The Datadog agent as a library\n\
         Version: {version}\n\
         Cflags: -I${{includedir}}\n\
         Libs: -L${{libdir}} -ldatadog_agent_native\n\
         Libs.private: -lm -ldl -lpthread\n"
    )
}
