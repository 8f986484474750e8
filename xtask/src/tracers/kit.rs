//! Installs the tracers, and what is put between them and the agent.

use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, anyhow};

use crate::language::Language;
use crate::run::{root, sh, text};
use crate::setup;

/// The folder under `tests`.
const SUITE: &str = "tracers";

/// A shop with its tracer, ready to start.
#[derive(Debug)]
pub(crate) struct Kit {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// Where it is run.
    pub(crate) folder: PathBuf,
}

/// All that is installed.
#[derive(Debug)]
pub(crate) struct Kits {
    shops: Vec<(Language, Kit)>,
    /// The program that stands between a tracer and the agent and checks what it sees.
    pub(crate) test_agent: PathBuf,
}

impl Kits {
    /// Installs everything, side by side.
    pub(crate) fn install(clients: &[Language]) -> anyhow::Result<Self> {
        thread::scope(|scope| {
            let test_agent = scope.spawn(test_agent);
            let shops: Vec<_> = clients
                .iter()
                .map(|&client| (client, scope.spawn(move || shop(client))))
                .collect();
            let panicked = |_| anyhow!("the installation panicked");
            let shops = shops
                .into_iter()
                .map(|(client, kit)| Ok((client, kit.join().map_err(panicked)??)))
                .collect::<anyhow::Result<_>>()?;
            Ok(Self {
                shops,
                test_agent: test_agent.join().map_err(panicked)??,
            })
        })
    }

    /// That of a client.
    pub(crate) fn get(&self, client: Language) -> anyhow::Result<&Kit> {
        let mut shops = self.shops.iter();
        let found = shops.find(|(language, _)| *language == client);
        found
            .map(|(_, kit)| kit)
            .context("the client is not installed")
    }
}

fn test_agent() -> anyhow::Result<PathBuf> {
    let folder = root().join("tests").join(SUITE).join("test-agent");
    let python = setup::python(&folder, "tracers-test-agent")?;
    Ok(python.with_file_name("ddapm-test-agent"))
}

fn shop(client: Language) -> anyhow::Result<Kit> {
    let folder = client.folder(SUITE);
    let words = match client {
        Language::Python => {
            let python = setup::python(&folder, "tracers-python")?;
            vec![text(&python), "app.py".to_owned()]
        }
        Language::Nodejs => {
            setup::npm(&folder)?;
            vec!["node".to_owned(), "app.js".to_owned()]
        }
        Language::Go => vec![text(&setup::go(&folder, "tracers-go")?)],
        Language::Java => java(&folder)?,
    };
    Ok(Kit { words, folder })
}

fn java(folder: &Path) -> anyhow::Result<Vec<String>> {
    let jars = setup::java(folder, "tracers-java")?;
    let classes = jars.join("classes");
    let path = text(&jars.join("*"));
    let target = text(&classes);
    let javac = [
        "javac",
        "-encoding",
        "UTF-8",
        "-cp",
        &path,
        "-d",
        &target,
        "App.java",
    ];
    sh(folder, &javac)?;
    let mut jars = std::fs::read_dir(&jars)?;
    let agent = jars
        .find_map(|jar| {
            let jar = jar.ok()?.path();
            let name = jar.file_name()?.to_str()?;
            name.starts_with("dd-java-agent-").then_some(jar)
        })
        .context("Maven fetched no dd-java-agent")?;
    Ok(vec![
        "java".to_owned(),
        // A short life is not worth the better of the two compilers.
        "-XX:TieredStopAtLevel=1".to_owned(),
        "-Xshare:auto".to_owned(),
        "-XX:-PrintWarnings".to_owned(),
        format!("-javaagent:{}", agent.display()),
        "-cp".to_owned(),
        format!("{target}:{path}"),
        "App".to_owned(),
    ])
}
