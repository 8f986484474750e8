//! The server that is measured: the example, in a process of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use datadog_dev_intake::Intake;
use serde_json::{Value, json};

/// Microseconds of one clock tick, as `/proc` counts.
const TICK: f64 = 10_000.0;

/// Time that the firewall may take on a request. It is that of a clock on the wall, so that with the usual 5 ms attacks
/// get through where the server is kept from its processor for longer.
const BUDGET: &str = "1s";

/// A running server; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// Builds the example as this bench is built.
pub(crate) fn build() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "--quiet", "--features", "appsec"]);
    build.args(["--package", env!("CARGO_PKG_NAME")]);
    build.args(["--example", "appsec_http_middleware"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success());
    let bench = std::env::current_exe().unwrap();
    bench
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/appsec_http_middleware")
}

/// The recommended rules, which report attacks, with all of these blocked.
pub(crate) fn write_rules(library: &Path, folder: &Path) -> PathBuf {
    let rules = fs::read(library.with_file_name("rules.json")).unwrap();
    let mut rules: Value = serde_json::from_slice(&rules).unwrap();
    let attacks = json!({"tags": {"category": "attack_attempt"}});
    rules["rules_override"] = json!([{"rules_target": [attacks], "on_match": ["block"]}]);
    let file = folder.join("blocking.json");
    fs::write(&file, rules.to_string()).unwrap();
    file
}

impl Server {
    pub(crate) fn start(
        program: &Path,
        intake: &Intake,
        library: &Path,
        rules: &Path,
        enabled: &str,
    ) -> Self {
        let url = intake.url();
        let mut server = Command::new(program);
        server.arg("127.0.0.1:0").env_clear().envs([
            ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("DD_APM_DD_URL", &url),
            ("DD_DD_URL", &url),
            ("DD_HOSTNAME", "bench"),
            ("DD_AGENT_MODE", "http_ephemeral_port"),
            ("DD_DOGSTATSD_ENABLED", "false"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
            ("DD_LOG_LEVEL", "error"),
            ("DD_APPSEC_ENABLED", enabled),
            ("DD_APPSEC_WAF_TIMEOUT", BUDGET),
        ]);
        server.env("DD_APPSEC_LIBDDWAF_PATH", library);
        server.env("DD_APPSEC_RULES", rules);
        let mut child = server.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("listening on ").unwrap();
        Self {
            address: address.parse().unwrap(),
            child,
        }
    }

    /// Processor time that it has used so far.
    pub(crate) fn cpu_micros(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        let ticks = fields
            .skip(11)
            .take(2)
            .map(|field| field.parse::<f64>().unwrap());
        ticks.sum::<f64>() * TICK
    }

    /// Asks it to stop, which sends what it holds.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
