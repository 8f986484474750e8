//! Rust types of the `.proto` files, made without a `protoc`.

use std::path::PathBuf;

use anyhow::Context as _;
use prost_build::{Config, Module};

use crate::run::root;

/// Where the schemas are, from the root of the repository.
const SCHEMAS: &str = "crates/datadog-wire/proto";
/// Where their types go.
const GENERATED: &str = "crates/datadog-wire/src/generated";
/// The schemas, without `.proto`; two are of one package, so each becomes a file of its own.
const NAMES: [&str; 5] = [
    "metrics",
    "remote_config",
    "stateful_a",
    "stateful_c",
    "traces",
];
/// Fields that are kept as shared bytes, because a batch is held to be sent again, and signed documents and files are
/// kept as they came.
const SHARED_BYTES: [&str; 6] = [
    ".datadog.config.ClientGetConfigsResponse.roots",
    ".datadog.config.ClientGetConfigsResponse.targets",
    ".datadog.config.DelegatedMeta.raw",
    ".datadog.config.File.raw",
    ".datadog.config.TopMeta.raw",
    ".datadog.intake.stateful.StatefulBatch.data",
];
/// Packages whose maps are kept in the order of their keys, so that the same message is always written alike.
const ORDERED_MAPS: [&str; 1] = [".datadog.trace"];

/// The generated files with their paths.
///
/// # Errors
/// When a schema cannot be read or is wrong.
pub(super) fn files() -> anyhow::Result<Vec<(PathBuf, String)>> {
    NAMES
        .iter()
        .map(|name| {
            let path = root().join(GENERATED).join(name).with_extension("rs");
            let code = types(name).with_context(|| format!("cannot generate {name}"))?;
            let header = format!("//! Generated from `{name}.proto` by `cargo xtask codegen`.\n\n");
            Ok((path, header + &code))
        })
        .collect()
}

fn types(name: &str) -> anyhow::Result<String> {
    let schema = format!("{name}.proto");
    let descriptors = protox::compile([&schema], [root().join(SCHEMAS)])?;
    let requests = descriptors
        .file
        .into_iter()
        .map(|file| (Module::from_protobuf_package_name(file.package()), file))
        .collect();
    let mut config = Config::new();
    config
        .bytes(SHARED_BYTES)
        .btree_map(ORDERED_MAPS)
        .format(true);
    let modules = config.generate(requests)?;
    anyhow::ensure!(modules.len() == 1, "{schema} has one package");
    modules.into_values().next().context("nothing generated")
}
