//! Compiles programs of C against the library that Cargo has just built, and runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use datadog_dev_intake::{Intake, config_root, director_root};
use tempfile::TempDir;

/// Long enough for the slowest machine; only who hangs for ever is cut.
const PATIENCE_S: &str = "900";

/// Signal 1: the last one that a wait takes.
const HANGUP_BIT: u64 = 1;

/// A language in one of its standards.
pub(crate) struct Standard {
    compiler: &'static str,
    flag: &'static str,
    language: &'static str,
}

pub(crate) const C99: Standard = Standard {
    compiler: "gcc",
    flag: "-std=c99",
    language: "c",
};
pub(crate) const C11: Standard = Standard {
    compiler: "gcc",
    flag: "-std=c11",
    language: "c",
};
pub(crate) const CPP: Standard = Standard {
    compiler: "g++",
    flag: "-std=c++17",
    language: "c++",
};

/// What runs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    Plain,
    Valgrind,
}

/// A compiled program, in a folder that goes with it.
pub(crate) struct Program {
    folder: TempDir,
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// Where the test itself is, and beside it the library that was built with it.
fn beside() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().to_owned()
}

pub(crate) fn library() -> PathBuf {
    beside().join("libdatadog_agent_native.so")
}

/// Compiles one of the programs beside this file; every warning is an error.
pub(crate) fn compile(name: &str, standard: &Standard) -> Program {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/c/{name}.c"));
    build(&source, standard, &shared())
}

/// Compiles the example of the README.
pub(crate) fn example(standard: &Standard) -> Program {
    build(&repository().join("examples/basic.c"), standard, &shared())
}

/// Compiles a program that carries the library in itself.
pub(crate) fn compile_static(name: &str) -> Program {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/c/{name}.c"));
    let archive = beside().join("libdatadog_agent_native.a");
    let mut link = vec![archive.to_str().unwrap().to_owned()];
    link.extend(["-lm", "-ldl", "-lrt", "-lgcc_s"].map(str::to_owned));
    build(&source, &C11, &link)
}

fn shared() -> Vec<String> {
    let folder = beside();
    let folder = folder.to_str().unwrap();
    vec![
        format!("-L{folder}"),
        "-ldatadog_agent_native".to_owned(),
        format!("-Wl,-rpath,{folder}"),
    ]
}

fn build(source: &Path, standard: &Standard, link: &[String]) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(standard.compiler);
    command
        .args(["-x", standard.language, standard.flag])
        .args([
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-g",
            "-pthread",
        ])
        .arg(format!("-I{}", include().display()))
        .arg(source)
        .args(["-x", "none", "-o"])
        .arg(folder.path().join("program"))
        .args(link);
    let output = command.output().unwrap();
    expect_success(&format!("{} {}", standard.flag, source.display()), &output);
    Program { folder }
}

#[track_caller]
fn expect_success(what: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}\n{said}", output.status);
}

/// What a tool says about a file.
pub(crate) fn output(tool: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(tool).args(arguments).arg(file).output();
    let output = output.unwrap();
    expect_success(tool, &output);
    String::from_utf8(output.stdout).unwrap()
}

impl Program {
    /// The program alone, with nothing of the tester's environment.
    pub(crate) fn command(&self) -> Command {
        self.under(&[])
    }

    fn under(&self, runner: &[&str]) -> Command {
        let program = self.folder.path().join("program");
        let mut command = match runner {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.env_clear().current_dir(self.folder.path());
        command
    }

    /// Runs it against an intake, to a good end.
    pub(crate) async fn run(&self, intake: &Intake, runner: Runner) {
        self.run_with(intake, runner, &[]).await;
    }

    /// The same with further variables.
    pub(crate) async fn run_with(
        &self,
        intake: &Intake,
        runner: Runner,
        variables: &[(&str, &str)],
    ) {
        let suppressions = format!(
            "--suppressions={}/tests/c/valgrind.supp",
            env!("CARGO_MANIFEST_DIR")
        );
        let valgrind = [
            "valgrind",
            &suppressions,
            "--quiet",
            "--leak-check=full",
            "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect",
            "--error-exitcode=99",
            "--fair-sched=yes",
        ];
        let words = match runner {
            Runner::Plain => vec!["timeout", PATIENCE_S],
            Runner::Valgrind => [&["timeout", PATIENCE_S][..], &valgrind].concat(),
        };
        let mut command = self.under(&words);
        let url = intake.url();
        for variable in ["DD_DD_URL", "DD_APM_DD_URL", "DD_LOGS_CONFIG_LOGS_DD_URL"] {
            command.env(variable, &url);
        }
        command
            .env("DD_REMOTE_CONFIGURATION_RC_DD_URL", &url)
            .env("DD_REMOTE_CONFIGURATION_CONFIG_ROOT", config_root())
            .env("DD_REMOTE_CONFIGURATION_DIRECTOR_ROOT", director_root())
            .env("DD_HOSTNAME", "tester")
            // What takes longer is sent again, which a slow machine must not cause.
            .env("DD_HTTP_TIMEOUT", "120")
            .env("DD_LOGS_AGENT_PORT", "0")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(variables.iter().copied());
        if runner == Runner::Valgrind {
            command.env("SLOW", "1");
        }
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        expect_success("program", &output.unwrap().unwrap());
    }
}

/// Sends a signal as soon as the process has a handler for the last of those that a wait takes.
pub(crate) fn signal_once_it_waits(pid: u32, signal: &str) {
    let until = Instant::now() + Duration::from_secs(120);
    while caught(pid) & HANGUP_BIT == 0 {
        assert!(Instant::now() < until, "it never waited");
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// The signals that a process has handlers for; the first is bit 0.
fn caught(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
