//! The embeddable agent as a shared library, and what the tests of every language need around it: an intake to send
//! to, and the environment in which an agent does that.
//!
//! Knows no language.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use serde_json::Value;

use crate::http::request;
use crate::program::{self, Profile, Program, target_folder};
use crate::run::{print, root, sh};
use crate::waf;

/// The crate that the library is built of.
pub(crate) const CRATE: &str = "datadog-agent-native";

/// What the packages look at to find the library.
pub(crate) const PATH_VARIABLE: &str = "DATADOG_AGENT_NATIVE_LIBRARY_PATH";

/// The host of every agent.
const HOST: &str = "embedding-host";

/// What would change what the tests see, if whoever runs them has set it.
const SETTINGS: [&str; 18] = [
    "DD_AGENT_MODE",
    "DD_API_KEY",
    "DD_APM_ENABLED",
    "DD_APPSEC_ENABLED",
    "DD_APPSEC_LIBDDWAF_PATH",
    "DD_APPSEC_RULES",
    "DD_DOGSTATSD_ENABLED",
    "DD_DOGSTATSD_PORT",
    "DD_ENV",
    "DD_LOGS_ENABLED",
    "DD_LOG_LEVEL",
    "DD_OPERATIONAL_MODE",
    "DD_SERVICE",
    "DD_SITE",
    "DD_TAGS",
    "DD_TRACE_AGENT_PORT",
    "DD_VERSION",
    "RUST_LOG",
];

/// What tests find libddwaf by, whatever the variables of an agent say.
pub(crate) const WAF_VARIABLE: &str = "APPSEC_LIBDDWAF";

/// Builds the library and returns its file; `target/<profile>` is where it is.
///
/// # Errors
/// When it does not compile.
pub(crate) fn build(profile: Profile) -> anyhow::Result<PathBuf> {
    build_with(profile, &[])
}

/// The same with further words for Cargo.
fn build_with(profile: Profile, more: &[&str]) -> anyhow::Result<PathBuf> {
    let flag = profile.flag();
    let words = [
        "cargo",
        "build",
        "--locked",
        "--package",
        CRATE,
        "--lib",
        "--profile",
        flag,
    ];
    sh(&root(), &[&words, more].concat())?;
    let file = target_folder()?.join(profile.folder()).join(file_name());
    anyhow::ensure!(file.exists(), "cargo built no {}", file.display());
    Ok(file)
}

/// What a shared library is called on this system.
fn file_name() -> String {
    format!(
        "{}datadog_agent_native{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    )
}

/// The library, and an intake that agents send to; the intake ends with it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) library: PathBuf,
    /// The library of the firewall, where there is one for this machine.
    pub(crate) waf: Option<PathBuf>,
    intake: Program,
    /// What an agent must trust to go by the intake's remote configuration.
    roots: Value,
}

impl Stage {
    /// Builds the library with the firewall and the program, obtains what the firewall needs, and starts an intake.
    ///
    /// # Errors
    /// When something does not compile or start.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let library = build_with(Profile::Dev, &["--features", "appsec"])?;
        let waf = waf::library()?;
        if waf.is_none() {
            print("there is no libddwaf for this machine: what needs it does not run");
        }
        let program = program::build(Profile::Dev)?;
        let intake = Program::start(&program, &["intake", "--addr", "127.0.0.1:0"], &[])?;
        let roots = format!("{}/inspect/remote_config/roots", intake.url("intake")?);
        let (_, roots) = request("GET", &roots, b"")?;
        Ok(Self {
            library,
            waf,
            intake,
            roots: serde_json::from_str(&roots)?,
        })
    }

    /// The address of the intake.
    ///
    /// # Errors
    /// When it has announced none.
    pub(crate) fn intake(&self) -> anyhow::Result<&str> {
        self.intake.url("intake")
    }

    /// The folder of the library.
    ///
    /// # Errors
    /// Never in practice: a file has a folder.
    pub(crate) fn folder(&self) -> anyhow::Result<&Path> {
        self.library.parent().context("the library has no folder")
    }

    /// Gives a test its variables, without the settings of whoever runs it: `INTAKE_URL`, where the library is and
    /// that of the firewall, and what sends every kind of data of an embedded agent to the intake. Logs are off unless the test turns them on.
    ///
    /// # Errors
    /// When the intake has announced no address.
    pub(crate) fn furnish<'a>(&self, test: &'a mut Command) -> anyhow::Result<&'a mut Command> {
        let intake = self.intake()?;
        for variable in SETTINGS {
            test.env_remove(variable);
        }
        match &self.waf {
            Some(waf) => test.env(WAF_VARIABLE, waf),
            None => test.env_remove(WAF_VARIABLE),
        };
        Ok(test
            .env("INTAKE_URL", intake)
            .env(PATH_VARIABLE, &self.library)
            .env("DD_DD_URL", intake)
            .env("DD_APM_DD_URL", intake)
            .env("DD_LOGS_CONFIG_LOGS_DD_URL", intake)
            .env("DD_REMOTE_CONFIGURATION_RC_DD_URL", intake)
            .env("DD_REMOTE_CONFIGURATION_CONFIG_ROOT", self.root("config"))
            .env(
                "DD_REMOTE_CONFIGURATION_DIRECTOR_ROOT",
                self.root("director"),
            )
            .env("DD_LOGS_AGENT_PORT", "0")
            .env("DD_HOSTNAME", HOST))
    }

    fn root(&self, repository: &str) -> &str {
        self.roots[repository].as_str().unwrap_or_default()
    }

    /// Ends the intake.
    ///
    /// # Errors
    /// When it ends with another status than 0.
    pub(crate) fn end(self) -> anyhow::Result<()> {
        self.intake.stop()
    }
}
