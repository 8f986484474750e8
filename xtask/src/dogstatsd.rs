//! Real clients of DogStatsD send a fixed list to the agent, in each of their modes; what arrives is compared with a
//! file for each client.
//!
//! Knows no metric: the list is in the clients, and what has to come of it in the files.
//! With `UPDATE_EXPECT=1` the files are written anew, for a person to check.

mod golden;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use clap::builder::FalseyValueParser;
use serde_json::Value;

use self::golden::{Arrived, Run};
use crate::http::request;
use crate::language::Language;
use crate::program::{self, Profile, Program};
use crate::run::{command, print, root, say, text};
use crate::setup;

/// Seconds of a bucket: so long that a run hardly ever sees the end of one, and a power of two, so that what was
/// counted is exactly what the rate says times the interval.
const BUCKET_S: i64 = 2_048;
/// The host of the agent.
const HOST: &str = "golden-host";
/// Longest time of a client, and longest wait for the agent to have read what it sent.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long the counters of the agent must stand still.
const QUIET: Duration = Duration::from_millis(250);
/// Bytes that the agent's UDP socket is to hold, so that a client which sends everything at once is not faster than an
/// agent that has to wait for a processor. The system may grant less.
const UDP_BYTES: usize = 4 * 1_024 * 1_024;
/// Runs of a client until none of its datagrams was dropped, at most.
const RUNS: usize = 10;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// What clients read besides what they are told.
const SETTINGS: [&str; 17] = [
    "DATADOG_CARDINALITY",
    "DATADOG_TAGS",
    "DD_AGENT_HOST",
    "DD_CARDINALITY",
    "DD_DOGSTATSD_DISABLE",
    "DD_DOGSTATSD_PIPE_NAME",
    "DD_DOGSTATSD_PORT",
    "DD_DOGSTATSD_SOCKET",
    "DD_DOGSTATSD_URL",
    "DD_ENTITY_ID",
    "DD_ENV",
    "DD_ORIGIN_DETECTION_ENABLED",
    "DD_SERVICE",
    "DD_TAGS",
    "DD_TELEMETRY_HOST",
    "DD_TELEMETRY_PORT",
    "DD_VERSION",
];

/// Which clients, and what is done with their files.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The clients; all if none is named.
    #[arg(value_enum)]
    clients: Vec<Language>,
    /// Writes what arrives into the files instead of comparing it with them.
    #[arg(long, env = "UPDATE_EXPECT", value_parser = FalseyValueParser::new())]
    update: bool,
}

/// Whether a client frames what it writes to a Unix stream as DogStatsD does.
const fn has_streams(client: Language) -> bool {
    !matches!(client, Language::Nodejs)
}

fn folder(client: Language) -> PathBuf {
    client.folder("dogstatsd")
}

/// Installs a client; returns the program that it is run with, and the first arguments.
fn prepare(client: Language) -> anyhow::Result<Vec<String>> {
    let folder = folder(client);
    let words = match client {
        Language::Python => {
            let python = setup::python(&folder, "dogstatsd-python")?;
            vec![text(&python), text(&folder.join("client.py"))]
        }
        Language::Nodejs => {
            setup::npm_compiled(&folder)?;
            vec!["node".to_owned(), text(&folder.join("client.js"))]
        }
        Language::Go => vec![text(&setup::go(&folder, "dogstatsd-go")?)],
        Language::Java => {
            let jars = setup::java(&folder, "dogstatsd-java")?.join("*");
            let source = folder.join("Client.java");
            vec![
                "java".to_owned(),
                "-cp".to_owned(),
                text(&jars),
                text(&source),
            ]
        }
    };
    Ok(words)
}

/// A client with the addresses to send to, without any setting of whoever runs the tests.
fn client_command(
    client: Language,
    words: &[String],
    agent: &Program,
    sockets: &Sockets,
) -> anyhow::Result<Command> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut command = command(&folder(client), &words);
    for variable in SETTINGS {
        command.env_remove(variable);
    }
    command
        .env("DD_EXTERNAL_ENV", "it-false,cn-web,pu-1234")
        .arg(agent.url("dogstatsd")?)
        .arg(format!("unixgram://{}", sockets.datagrams));
    if has_streams(client) {
        command.arg(format!("unixstream://{}", sockets.streams));
    }
    Ok(command)
}

/// Runs clients.
///
/// # Errors
/// When something cannot be installed or started, or something else arrives than the file says.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let clients = match options.clients.as_slice() {
        [] => &Language::ALL,
        some => some,
    };
    let program = program::build(Profile::Dev)?;
    let mut wrong = Vec::new();
    for &client in clients {
        let words = prepare(client)?;
        say(&format!("dogstatsd: {} sends", client.name()));
        let arrived = arrived(client, &words, &program)?;
        let file = root().join(format!("tests/dogstatsd/golden/{}.json", client.name()));
        let word = if options.update {
            golden::write(&arrived, &file)?;
            "written, to be checked by hand"
        } else if let Some(lines) = golden::differences(&arrived, &file)? {
            wrong.push(format!("{}\n{lines}", file.display()));
            "not as expected"
        } else {
            "as expected"
        };
        let (name, counts) = (client.name(), arrived.counts());
        print(&format!("dogstatsd: {name}: {counts}: {word}"));
    }
    anyhow::ensure!(
        wrong.is_empty(),
        "something else arrived than was expected (- expected, + arrived); UPDATE_EXPECT=1 writes it if it is right\n{}",
        wrong.join("\n")
    );
    Ok(())
}

/// What arrives of what a client sends. A run that sees the end of a bucket is done again, and so is one of which the
/// system dropped datagrams before the agent could read them: both say something of the machine, and nothing of agent
/// or client.
fn arrived(client: Language, words: &[String], program: &Path) -> anyhow::Result<Arrived> {
    for _ in 0..RUNS {
        let from = now_s()?;
        let intake = Program::start(program, &["intake", "--addr", "127.0.0.1:0"], &[])?;
        let url = intake.url("intake")?.to_owned();
        let lost = send(client, words, program, &url)?;
        let run = Run { from, to: now_s()? };
        let overflow = &lost["packets_dropped"]["udp_overflow"];
        if run.saw_the_end_of_a_bucket() {
            say("a bucket ended while the client ran; once more");
        } else if !overflow.is_null() {
            say(&format!(
                "the system dropped {overflow} datagrams; once more"
            ));
        } else {
            let arrived = Arrived::ask(&url, run, lost)?;
            intake.stop()?;
            return Ok(arrived);
        }
        intake.stop()?;
    }
    bail!("the system dropped datagrams in each of {RUNS} runs: raise net.core.rmem_max")
}

/// Starts an agent, lets the client send to it, and stops it, which sends everything to the intake. Returns what the
/// agent counted as lost.
fn send(client: Language, words: &[String], program: &Path, intake: &str) -> anyhow::Result<Value> {
    let sockets = Sockets::new()?;
    let (bucket, udp_bytes) = (BUCKET_S.to_string(), UDP_BYTES.to_string());
    let environment = [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ("DD_HOSTNAME", HOST),
        ("DD_DD_URL", intake),
        ("DD_DOGSTATSD_ENABLED", "true"),
        ("DD_DOGSTATSD_PORT", "0"),
        ("DD_DOGSTATSD_SO_RCVBUF", &udp_bytes),
        ("DD_DOGSTATSD_SOCKET", &sockets.datagrams),
        ("DD_DOGSTATSD_STREAM_SOCKET", &sockets.streams),
        ("DD_DOGSTATSD_ORIGIN_DETECTION_CLIENT", "true"),
        ("DD_DOGSTATSD_FLUSH_INCOMPLETE_BUCKETS", "true"),
        ("DD_AGGREGATOR_BUCKET_SIZE_SECONDS", &bucket),
        // Logs are enabled for `/status`, which goes with their port.
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", "0"),
        ("DD_APM_ENABLED", "false"),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", intake),
    ];
    let agent = Program::start(program, &["run"], &environment)?;
    finish_in_time(&mut client_command(client, words, &agent, &sockets)?)?;
    let lost = lost(&settled(agent.url("logs")?)?);
    agent.stop()?;
    Ok(lost)
}

/// Runs a client to its end.
fn finish_in_time(client: &mut Command) -> anyhow::Result<()> {
    let mut child = client
        .spawn()
        .with_context(|| format!("cannot start {client:?}"))?;
    let give_up = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > give_up => {
                child.kill()?;
                child.wait()?;
                bail!("the client did not end within {DEADLINE:?}: {client:?}");
            }
            None => std::thread::sleep(PAUSE),
        }
    };
    anyhow::ensure!(status.success(), "{client:?} ended with {status}");
    Ok(())
}

/// What the agent counts for metrics, once it has read everything: when nothing changes any more.
fn settled(agent: &str) -> anyhow::Result<Value> {
    let give_up = Instant::now() + DEADLINE;
    let mut last = Value::Null;
    let mut since = Instant::now();
    loop {
        let (_, text) = request("GET", &format!("{agent}/status"), b"")?;
        let mut status: Value = serde_json::from_str(&text).context("/status is not JSON")?;
        let metrics = status["pipelines"]["metrics"].take();
        if metrics != last {
            last = metrics;
            since = Instant::now();
        } else if since.elapsed() > QUIET && last["queue"]["bytes"] == 0 {
            return Ok(last);
        }
        anyhow::ensure!(Instant::now() < give_up, "the agent still reads: {last}");
        std::thread::sleep(PAUSE);
    }
}

/// The counters of what was refused or dropped, without those that are 0.
fn lost(metrics: &Value) -> Value {
    let names = [
        "packets_dropped",
        "packets_truncated",
        "malformed",
        "samples_dropped",
        "dropped",
    ];
    let is_nothing = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        other => *other == 0,
    };
    let counters = names.iter().filter_map(|&name| {
        let value = metrics.get(name)?;
        (!is_nothing(value)).then(|| (name.to_owned(), value.clone()))
    });
    Value::Object(counters.collect())
}

/// Unix sockets in a folder of their own, which goes with them. Under the folder for temporary files, since the path of
/// a socket must be short.
struct Sockets {
    folder: PathBuf,
    datagrams: String,
    streams: String,
}

impl Sockets {
    fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("dogstatsd-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            datagrams: text(&folder.join("dsd.sock")),
            streams: text(&folder.join("dsd-stream.sock")),
            folder,
        })
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn now_s() -> anyhow::Result<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_secs())?)
}
