//! DogStatsD through the whole program: what goes over a Unix datagram socket, beside what the kernel alone moves; memory
//! by the number of contexts; and memory over half an hour in which contexts come and go.
//!
//! This process sends, another receives; a socket of that kind makes its sender wait, so that nothing is lost and the
//! rate is that of the slower of both.

use std::fs;
use std::io::Read as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;

use super::program::status_field;
use super::{Options, median, report};
use crate::http::request;
use crate::program::{Profile, Program, build, target_folder};
use crate::run::say;

/// Different series that are sent.
const CONTEXTS: usize = 12_000;
/// The larger number of them of which memory is measured.
const MANY_CONTEXTS: usize = 250_000;
/// Messages of one measurement.
const MESSAGES: usize = 3_000_000;
/// Bytes of a packed datagram, as clients fill them.
const PACKED_BYTES: usize = 8_192;
const ROUNDS: usize = 5;
/// How the names of its figures begin.
pub(super) const FIGURES: [&str; 3] = ["dogstatsd_uds", "dogstatsd_memory", "dogstatsd_rolling"];

/// What ends the receiver that only counts.
const STOP: &[u8] = b"stop";
/// How long contexts come and go, and how often memory is looked at.
const ROLLING: Duration = Duration::from_secs(1_800);
const LOOK: Duration = Duration::from_secs(10);
/// New contexts a second then; those of 20 seconds are held.
const ROLLING_CONTEXTS: usize = 1_000;
/// Until then the memory of a new process grows.
const WARM_UP: Duration = Duration::from_secs(300);

/// Measures all of it; the half hour only if it is asked for by name.
///
/// # Errors
/// When a program cannot be built, started or read, or a datagram was lost.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let program = build(Profile::Release)?;
    let intake = Program::start(&program, &["intake", "--addr", "127.0.0.1:0"], &[])?;
    let url = intake.url("intake")?.to_owned();
    let bench = Bench {
        program,
        intake: url,
        socket: target_folder()?.join("bench-dogstatsd.sock"),
    };
    if options.only.starts_with("dogstatsd_rolling") {
        bench.rolling(options)?;
    } else {
        bench.rates("single", &datagrams(1), options)?;
        bench.rates("packed", &datagrams(PACKED_BYTES), options)?;
        bench.memory(CONTEXTS, options)?;
        bench.memory(MANY_CONTEXTS, options)?;
    }
    intake.stop()
}

/// The other end of the kernel's measurement: counts datagrams until it is told to stop.
///
/// # Errors
/// When the socket cannot be bound or read.
pub(crate) fn receive(path: &Path) -> anyhow::Result<()> {
    let socket = UnixDatagram::bind(path)?;
    println_now("ready");
    let mut buffer = vec![0; 65_536];
    let mut count = 0_u64;
    loop {
        let bytes = socket.recv(&mut buffer)?;
        if buffer.get(..bytes) == Some(STOP) {
            break;
        }
        count += 1;
    }
    println_now(&count.to_string());
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what the parent process reads")]
fn println_now(text: &str) {
    println!("{text}");
}

/// One datagram, and the messages in it.
struct Datagram {
    bytes: Vec<u8>,
    messages: usize,
}

/// Messages of all contexts, packed into datagrams of at most so many bytes, one message at least.
fn datagrams(bytes: usize) -> Vec<Datagram> {
    let mut datagrams: Vec<Datagram> = Vec::new();
    for context in 0..CONTEXTS {
        let message = message(context);
        match datagrams.last_mut() {
            Some(last) if last.bytes.len() + 1 + message.len() <= bytes => {
                last.bytes.push(b'\n');
                last.bytes.extend_from_slice(message.as_bytes());
                last.messages += 1;
            }
            _ => datagrams.push(Datagram {
                bytes: message.into_bytes(),
                messages: 1,
            }),
        }
    }
    datagrams
}

/// A message of a context of its own, with three to eight tags.
fn message(context: usize) -> String {
    let kind = ["c", "g", "d", "ms"].get(context % 4).unwrap_or(&"c");
    let mut message = format!(
        "bench.requests.{}:{}|{kind}|#env:prod,service:shop-{}",
        context % 200,
        context % 97 + 1,
        context % 17
    );
    for tag in 0..context % 6 + 1 {
        message.push_str(&format!(",tag{tag}:value-{}", context / (tag + 1)));
    }
    message
}

struct Bench {
    program: PathBuf,
    intake: String,
    socket: PathBuf,
}

/// A running agent, and the socket to it.
struct Agent {
    program: Program,
    socket: UnixDatagram,
}

impl Bench {
    fn agent(&self) -> anyhow::Result<Agent> {
        let path = self.socket.to_string_lossy();
        let environment = [
            ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
            ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
            ("DD_DOGSTATSD_ENABLED", "true"),
            ("DD_DOGSTATSD_PORT", "0"),
            ("DD_DOGSTATSD_SOCKET", &path),
            ("DD_AGGREGATE_CONTEXT_LIMIT", "1000000"),
            // Only for `/status`.
            ("DD_TRACE_AGENT_PORT", "0"),
            ("DD_APM_DD_URL", &self.intake),
            ("DD_DD_URL", &self.intake),
            ("DD_LOG_LEVEL", "error"),
        ];
        let program = Program::start(&self.program, &["run"], &environment)?;
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.socket)?;
        Ok(Agent { program, socket })
    }

    fn rates(&self, name: &str, datagrams: &[Datagram], options: &Options) -> anyhow::Result<()> {
        say(&format!("sending {MESSAGES} messages, {name}"));
        let (mut ours, mut kernel) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            kernel.push(self.kernel_rate(datagrams)?);
            ours.push(self.agent_rate(datagrams)?);
        }
        let (ours, kernel) = (median(ours), median(kernel));
        report(&format!("dogstatsd_uds_{name}"), ours, "samples/s", options);
        report(
            &format!("dogstatsd_uds_{name}_kernel"),
            kernel,
            "samples/s",
            options,
        );
        report(
            &format!("dogstatsd_uds_{name}_ratio"),
            ours / kernel,
            "ratio",
            options,
        );
        Ok(())
    }

    fn kernel_rate(&self, datagrams: &[Datagram]) -> anyhow::Result<f64> {
        let path = self.socket.with_extension("kernel");
        // Left over from a run that was cut.
        drop(fs::remove_file(&path));
        let mut child = Command::new(std::env::current_exe()?)
            .arg("receive")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdout = child.stdout.take().context("no standard output")?;
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready)?;
        let socket = UnixDatagram::unbound()?;
        socket.connect(&path)?;
        let begin = Instant::now();
        let (sent, messages) = send(&socket, datagrams)?;
        socket.send(STOP)?;
        let mut count = String::new();
        stdout.read_to_string(&mut count)?;
        let rate = messages as f64 / begin.elapsed().as_secs_f64();
        anyhow::ensure!(child.wait()?.success(), "the receiver failed");
        anyhow::ensure!(
            count.trim() == sent.to_string(),
            "{count} of {sent} arrived"
        );
        Ok(rate)
    }

    fn agent_rate(&self, datagrams: &[Datagram]) -> anyhow::Result<f64> {
        let agent = self.agent()?;
        let begin = Instant::now();
        let (_, messages) = send(&agent.socket, datagrams)?;
        let status = agent.wait_for(messages)?;
        let rate = messages as f64 / begin.elapsed().as_secs_f64();
        let dropped = &status["packets_dropped"];
        anyhow::ensure!(
            dropped.as_object().is_none_or(|it| it.is_empty()),
            "dropped {dropped}"
        );
        agent.program.stop()?;
        Ok(rate)
    }

    fn memory(&self, contexts: usize, options: &Options) -> anyhow::Result<()> {
        say(&format!("looking at the memory of {contexts} contexts"));
        let agent = self.agent()?;
        let before = agent.rss_mib()?;
        for context in 0..contexts {
            agent.socket.send(message(context).as_bytes())?;
        }
        agent.wait_for(contexts)?;
        let name = format!("dogstatsd_memory_{contexts}_contexts");
        report(&name, agent.rss_mib()? - before, "MiB", options);
        agent.program.stop()
    }

    /// Half an hour of contexts that come and go.
    fn rolling(&self, options: &Options) -> anyhow::Result<()> {
        say("sending contexts that come and go for half an hour");
        let agent = self.agent()?;
        let begin = Instant::now();
        let mut looks = Vec::new();
        let (mut next, mut next_look) = (0, LOOK);
        while begin.elapsed() < ROLLING {
            for context in next..next + ROLLING_CONTEXTS {
                agent
                    .socket
                    .send(format!("rolling.{context}:1|d|#pod:p-{context}").as_bytes())?;
            }
            next += ROLLING_CONTEXTS;
            if begin.elapsed() >= next_look {
                looks.push((begin.elapsed().as_secs_f64(), agent.rss_mib()?));
                next_look += LOOK;
            }
            let due = Duration::from_secs(u64::try_from(next / ROLLING_CONTEXTS)?);
            std::thread::sleep(due.saturating_sub(begin.elapsed()));
        }
        let status = agent.wait_for(next)?;
        looks.retain(|(seconds, _)| *seconds >= WARM_UP.as_secs_f64());
        let most = looks.iter().map(|(_, mib)| *mib).fold(0.0, f64::max);
        report(
            "dogstatsd_rolling_slope",
            slope(&looks) * 3_600.0,
            "MiB/hour",
            options,
        );
        report("dogstatsd_rolling_rss", most, "MiB at most", options);
        report("dogstatsd_rolling_sent", next as f64, "contexts", options);
        let known = status["contexts"]["known"].as_f64().unwrap_or_default();
        report(
            "dogstatsd_rolling_known",
            known,
            "contexts at the end",
            options,
        );
        agent.program.stop()
    }
}

/// Sends datagrams over and over; returns how many, and how many messages in them.
fn send(socket: &UnixDatagram, datagrams: &[Datagram]) -> anyhow::Result<(usize, usize)> {
    let (mut sent, mut messages) = (0, 0);
    while messages < MESSAGES {
        for datagram in datagrams {
            socket.send(&datagram.bytes)?;
            sent += 1;
            messages += datagram.messages;
        }
    }
    Ok((sent, messages))
}

/// The slope of a line through points, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let (sum_x, sum_y) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in points {
        above += (x - mean_x) * (y - mean_y);
        below += (x - mean_x) * (x - mean_x);
    }
    above / below
}

impl Agent {
    /// Waits until so many messages were read; returns what the pipeline says of itself.
    fn wait_for(&self, messages: usize) -> anyhow::Result<Value> {
        let url = format!("{}/status", self.program.url("traces")?);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (_, body) = request("GET", &url, b"")?;
            let status: Value = serde_json::from_str(&body)?;
            let metrics = &status["pipelines"]["metrics"];
            let read = metrics["messages"]["metric"].as_u64().unwrap_or_default();
            if read >= messages as u64 {
                return Ok(metrics.clone());
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "only {read} of {messages} were read"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn rss_mib(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id()))?;
        Ok(status_field(&status, "VmRSS:")? / 1_024.0)
    }
}
