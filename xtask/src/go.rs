//! The Go package: vet and tests, against an intake.

use crate::library::Stage;
use crate::program::target_folder;
use crate::run::{command, finish, print, root, say};
use crate::{install, setup};

/// Runs everything.
///
/// # Errors
/// The first thing that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    let folder = root().join("go");
    setup::cgo()?;
    let stage = Stage::start()?;
    for words in [
        &["gofmt", "-l", "-d", "."][..],
        &["go", "vet", "./..."],
        &["go", "test", "-count=1", "./..."],
    ] {
        say(&format!(
            "{} in go, against a running intake",
            words.join(" ")
        ));
        finish(linked(&stage, &mut command(&folder, words))?)?;
    }
    // As where the library is installed.
    let prefix = target_folder()?.join("go-prefix");
    install::copy(&stage.library, &prefix)?;
    say("go test -tags pkgconfig in go");
    let words = [
        "go",
        "test",
        "-count=1",
        "-tags",
        "pkgconfig",
        "-run",
        "Arrive",
        "./...",
    ];
    finish(
        stage
            .furnish(&mut command(&folder, &words))?
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"))
            .env("LD_LIBRARY_PATH", prefix.join("lib")),
    )?;
    stage.end()?;
    print("go: vet and tests are as expected");
    Ok(())
}

/// Tells the linker, and the loader after it, where the library is.
///
/// # Errors
/// When the intake has announced no address.
pub(crate) fn linked<'a>(
    stage: &Stage,
    go: &'a mut std::process::Command,
) -> anyhow::Result<&'a mut std::process::Command> {
    let library = stage.folder()?;
    Ok(stage
        .furnish(go)?
        .env("CGO_LDFLAGS", format!("-L{}", library.display()))
        .env("LD_LIBRARY_PATH", library))
}
