//! The firewall with its real library and hostile bodies, watched: by AddressSanitizer, which sees what our own code does
//! with memory and what is never freed, and by valgrind, which looks into the library as well.
//!
//! AddressSanitizer needs the nightly compiler; without it that part fails with Cargo's own words. Both build into
//! folders of their own within the target folder, since flags change everything.

use anyhow::Context as _;
use serde_json::Value;

use crate::program::target_folder;
use crate::run::{command, finish, print, read, root, say, text};
use crate::{setup, waf};

/// The tests that are run: those with the library and those of memory.
const TESTS: &str = "--locked --package datadog-appsec --test library";

/// What watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Watcher {
    /// AddressSanitizer with its detection of leaks.
    Address,
    /// Valgrind's memcheck, with leaks.
    Valgrind,
}

/// What watches, and what.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// One watcher alone; both if none is named.
    #[arg(value_enum)]
    watcher: Option<Watcher>,
    /// Only tests whose names contain this; all if it is empty.
    #[arg(long, default_value = "hostile")]
    tests: String,
}

/// Runs the tests under each watcher.
///
/// # Errors
/// When something is missing, a test fails, or a watcher has something to say.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let library = text(&waf::obtain()?.library);
    for watcher in [Watcher::Address, Watcher::Valgrind] {
        if options.watcher.is_some_and(|wanted| wanted != watcher) {
            continue;
        }
        match watcher {
            Watcher::Address => address(&library, &options.tests)?,
            Watcher::Valgrind => valgrind(&library, &options.tests)?,
        }
    }
    Ok(())
}

fn address(library: &str, tests: &str) -> anyhow::Result<()> {
    let target = read(&root(), &["rustc", "-vV"])?;
    let target = target
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not say what it builds for")?;
    let words = format!("cargo +nightly test --target {target} {TESTS} -- {tests}");
    say(&format!("RUSTFLAGS=-Zsanitizer=address {words}"));
    let mut run = command(&root(), &words.split_whitespace().collect::<Vec<_>>());
    run.env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=1")
        .env("CARGO_TARGET_DIR", target_folder()?.join("sanitize"))
        // The one that runs this is another than the one that it runs.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env("DD_APPSEC_LIBDDWAF_PATH", library);
    finish(&mut run)?;
    print("sanitize: AddressSanitizer has nothing to say");
    Ok(())
}

fn valgrind(library: &str, tests: &str) -> anyhow::Result<()> {
    setup::c()?;
    let words = format!("cargo test --no-run --message-format json {TESTS}");
    let mut build = command(&root(), &words.split(' ').collect::<Vec<_>>());
    let built = build.env("DD_APPSEC_LIBDDWAF_PATH", library).output()?;
    anyhow::ensure!(
        built.status.success(),
        "{words} failed: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    let program = String::from_utf8(built.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(message["executable"].as_str()?.to_owned()))
        .context("Cargo built no test")?;
    // What the process keeps to its end, rules and library among it, is reachable.
    let words = "valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect";
    let known = root().join("crates/datadog-agent-native/tests/c/valgrind.supp");
    let known = format!("--suppressions={}", known.display());
    let mut run: Vec<_> = words.split(' ').collect();
    run.extend([&*known, &program, tests, "--test-threads=1"]);
    say(&run.join(" "));
    finish(&mut command(&root(), &run))?;
    print("sanitize: valgrind has nothing to say");
    Ok(())
}
