//! Checks what no linter can: the layers of the crates, what features bring, file headers, documented keys and counters, where the
//! environment is read, generated files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::codegen;
use crate::run::{print, read, root, say};

/// What each crate may depend on in the workspace; `ARCHITECTURE.md` says why.
const LAYERS: [(&str, &[&str]); 17] = [
    ("datadog-wire", &[]),
    ("datadog-sketch", &[]),
    ("datadog-logs-patterns", &["datadog-wire"]),
    ("datadog-agent-config", &[]),
    ("datadog-agent-runtime", &["datadog-wire"]),
    (
        "datadog-forwarder",
        &["datadog-agent-runtime", "datadog-wire"],
    ),
    (
        "datadog-logs-stream",
        &[
            "datadog-agent-runtime",
            "datadog-logs-patterns",
            "datadog-wire",
        ],
    ),
    (
        "datadog-logs-agent",
        &[
            "datadog-agent-runtime",
            "datadog-forwarder",
            "datadog-logs-patterns",
            "datadog-logs-stream",
            "datadog-wire",
        ],
    ),
    (
        "datadog-metrics-agent",
        &[
            "datadog-agent-runtime",
            "datadog-forwarder",
            "datadog-sketch",
            "datadog-wire",
        ],
    ),
    (
        "datadog-traces-agent",
        &[
            "datadog-agent-runtime",
            "datadog-forwarder",
            "datadog-sketch",
            "datadog-wire",
        ],
    ),
    (
        "datadog-remote-config",
        &["datadog-agent-runtime", "datadog-wire"],
    ),
    ("datadog-appsec", &["datadog-wire"]),
    (
        "datadog-agent-native",
        &[
            "datadog-agent-config",
            "datadog-agent-runtime",
            "datadog-appsec",
            "datadog-forwarder",
            "datadog-logs-agent",
            "datadog-logs-patterns",
            "datadog-metrics-agent",
            "datadog-remote-config",
            "datadog-traces-agent",
            "datadog-wire",
        ],
    ),
    (
        "datadog-dev-intake",
        &["datadog-logs-patterns", "datadog-sketch", "datadog-wire"],
    ),
    (
        "datadog-agent",
        &[
            "datadog-agent-native",
            "datadog-dev-intake",
            "datadog-logs-patterns",
        ],
    ),
    ("datadog-serverless-compat", &["datadog-agent-native"]),
    ("xtask", &["datadog-agent-config", "datadog-wire"]),
];

/// Crates that only tests may depend on, beside their own layer.
const FOR_TESTS: [&str; 1] = ["datadog-dev-intake"];

/// What nobody gets who does not ask for the feature `appsec`, and what is shipped.
const ONLY_WITH_APPSEC: [&str; 2] = ["datadog-appsec", "libloading"];
const SHIPPED: [&str; 3] = [
    "datadog-agent",
    "datadog-agent-native",
    "datadog-serverless-compat",
];

/// The only crate that reads the environment.
const READS_ENVIRONMENT: &str = "crates/datadog-agent-config/";

/// Runs every check and lists all that is wrong.
///
/// # Errors
/// When anything is.
pub(crate) fn run() -> anyhow::Result<()> {
    say("tidy");
    codegen::check()?;
    let mut findings = Vec::new();
    layers(&mut findings)?;
    features(&mut findings)?;
    sources(&mut findings)?;
    counters(&mut findings)?;
    if findings.is_empty() {
        print(
            "tidy: layers, features, headers, environment, keys, counters and generated files are as they should be",
        );
        return Ok(());
    }
    bail!("tidy found:\n  {}", findings.join("\n  "));
}

fn layers(findings: &mut Vec<String>) -> anyhow::Result<()> {
    let metadata = read(
        &root(),
        &["cargo", "metadata", "--format-version", "1", "--no-deps"],
    )?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    for package in metadata["packages"].as_array().context("no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = LAYERS.iter().find(|(listed, _)| *listed == name) else {
            findings.push(format!("{name}: not in the table of layers"));
            continue;
        };
        for dependency in package["dependencies"]
            .as_array()
            .context("no dependencies")?
        {
            let to = dependency["name"].as_str().unwrap_or_default();
            let in_workspace = dependency["path"].is_string();
            let for_tests = dependency["kind"] == "dev" && FOR_TESTS.contains(&to);
            // A crate may name itself to have a feature on in its tests.
            let itself = dependency["kind"] == "dev" && to == name;
            if in_workspace && !for_tests && !itself && !allowed.contains(&to) {
                findings.push(format!("{name}: may not depend on {to}"));
            }
        }
    }
    Ok(())
}

/// The firewall is in a build that asks for it, and in no other.
fn features(findings: &mut Vec<String>) -> anyhow::Result<()> {
    let tree = |package: &str, more: &[&str]| {
        let words = "cargo tree --locked --edges normal --prefix none --format {p} --package";
        let mut words: Vec<_> = words.split(' ').collect();
        words.push(package);
        words.extend(more);
        read(&root(), &words)
    };
    for package in SHIPPED {
        let usual = tree(package, &[])?;
        for name in brought(&usual) {
            findings.push(format!("{package}: has {name} without the feature appsec"));
        }
    }
    let with = tree("datadog-agent-native", &["--features", "appsec"])?;
    if brought(&with) != ONLY_WITH_APPSEC {
        findings.push("datadog-agent-native: the feature appsec brings no firewall".to_owned());
    }
    Ok(())
}

/// What of the firewall is among the packages of a tree, each on a line that begins with its name.
fn brought(tree: &str) -> Vec<&'static str> {
    let mut names = ONLY_WITH_APPSEC.to_vec();
    names.retain(|name| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(name))
    });
    names
}

fn sources(findings: &mut Vec<String>) -> anyhow::Result<()> {
    let root = root();
    let listed = read(
        &root,
        &[
            "git",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.rs",
        ],
    )?;
    for file in listed.lines().filter(|file| root.join(file).exists()) {
        let text =
            fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        source(file, &text, findings);
    }
    Ok(())
}

fn source(file: &str, text: &str, findings: &mut Vec<String>) {
    if !text
        .trim_start_matches("#![no_main]")
        .trim_start()
        .starts_with("//!")
        && !file.contains("/generated/")
    {
        findings.push(format!("{file}: does not open with `//!`"));
    }
    let reads = text.lines().any(|line| {
        let code = line.split("//").next().unwrap_or_default();
        ["env::var", "env::set_var", "env::remove_var"]
            .iter()
            .any(|call| code.contains(call))
    });
    // An example is a host of its own, and Cargo talks to a build script through its environment.
    let may = file.starts_with(READS_ENVIRONMENT)
        || file.contains("/examples/")
        || file.ends_with("/build.rs");
    if reads && !may && file != "xtask/src/tidy.rs" {
        findings.push(format!(
            "{file}: reads the environment; only {READS_ENVIRONMENT} may"
        ));
    }
}

/// Every name in the telemetry module stands in `docs/telemetry.md`, and the reverse.
fn counters(findings: &mut Vec<String>) -> anyhow::Result<()> {
    let root = root();
    let module = root.join("crates/datadog-agent-runtime/src/telemetry.rs");
    let code =
        fs::read_to_string(&module).with_context(|| format!("cannot read {}", module.display()))?;
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let page = fs::read_to_string(root.join("docs/telemetry.md"))
        .context("cannot read docs/telemetry.md")?;
    let in_code = counter_names(code, '"');
    let in_page = counter_names(&page, '`');
    anyhow::ensure!(
        !in_code.is_empty(),
        "no counter found in {}",
        module.display()
    );
    for name in in_code.difference(&in_page) {
        findings.push(format!("docs/telemetry.md: does not mention {name}"));
    }
    for name in in_page.difference(&in_code) {
        findings.push(format!(
            "docs/telemetry.md: mentions {name}, which is no counter"
        ));
    }
    Ok(())
}

/// What stands between two quotes and looks like `signal.counter_name`.
fn counter_names(text: &str, quote: char) -> BTreeSet<String> {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    text.split(quote)
        .filter(|part| {
            part.split_once('.')
                .is_some_and(|(signal, name)| is_word(signal) && is_word(name))
        })
        .filter(|part| {
            !Path::new(part)
                .extension()
                .is_some_and(|end| end == "rs" || end == "md")
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(file: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        source(file, text, &mut findings);
        findings
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        assert_eq!(
            findings("a/src/b.rs", "use std::fs;\n"),
            ["a/src/b.rs: does not open with `//!`"]
        );
        assert_eq!(
            findings("a/src/b.rs", "//! Says it.\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_read_of_the_environment_is_found_outside_of_the_config_crate() {
        let text = "//! x\nlet home = std::env::var(\"HOME\");\n";
        assert_eq!(findings("a/src/b.rs", text).len(), 1);
        assert_eq!(
            findings("crates/datadog-agent-config/src/source.rs", text),
            Vec::<String>::new()
        );
        assert_eq!(
            findings("a/src/b.rs", "//! x\n// like env::var\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_firewall_is_found_in_a_tree_by_the_names_of_its_packages() {
        let tree = "datadog-agent v0.1.0 (/a)\nlibloading v0.9.0\ndatadog-appsec-other v1.0.0 (/libloading)";
        assert_eq!(brought(tree), ["libloading"]);
        assert_eq!(brought("hyper v1.0.0"), [""; 0]);
    }

    #[test]
    fn counter_names_are_told_from_other_quoted_text() {
        let names = counter_names("\"logs.sent\" => \"a b\", \"lib.rs\", \"x.Y\"", '"');
        assert_eq!(names, BTreeSet::from(["logs.sent".to_owned()]));
    }
}
