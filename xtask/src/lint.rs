//! Formatting, lints and documentation, in each combination of features that is shipped.

use crate::run::{command, finish, root, say, sh};
use crate::tidy;

const CLIPPY: [&[&str]; 3] = [
    &["--workspace", "--all-targets"],
    &[
        "--package",
        "datadog-agent-native",
        "--features",
        "appsec",
        "--all-targets",
    ],
    &[
        "--package",
        "datadog-agent-native",
        "--no-default-features",
        "--lib",
    ],
];

/// Runs them, cheapest first.
///
/// # Errors
/// The first that finds something.
pub(crate) fn run() -> anyhow::Result<()> {
    let root = root();
    sh(&root, &["cargo", "fmt", "--all", "--check"])?;
    for features in CLIPPY {
        let words = [
            &["cargo", "clippy", "--locked"],
            features,
            &["--", "-D", "warnings"],
        ]
        .concat();
        sh(&root, &words)?;
    }
    say("cargo doc, private items included");
    finish(
        command(
            &root,
            &[
                "cargo",
                "doc",
                "--locked",
                "--workspace",
                "--no-deps",
                "--document-private-items",
            ],
        )
        .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    tidy::run()
}
