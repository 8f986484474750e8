//! Figures of the whole program: start, stop, idle memory and threads, size, logs from a file to the wire.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Options, median, report};
use crate::program::{Profile, Program, build, target_folder};
use crate::run::say;

const ROUNDS: usize = 9;
/// Bytes of the file that is sent through the pipeline.
const FILE_BYTES: usize = 200_000_000;

/// Builds the program and measures it.
///
/// # Errors
/// When it cannot be built, started or read.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let program = build(Profile::Release)?;
    let intake = Program::start(&program, &["intake", "--addr", "127.0.0.1:0"], &[])?;
    let url = intake.url("intake")?.to_owned();
    start_and_stop(&program, &url, options)?;
    idle(&program, &url, options)?;
    file_to_wire(&program, &url, options)?;
    intake.stop()?;
    size(options)
}

fn environment(intake: &str) -> [(&str, &str); 7] {
    [
        ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
        ("DD_REMOTE_CONFIGURATION_ENABLED", "false"),
        ("DD_LOGS_ENABLED", "true"),
        ("DD_LOGS_AGENT_PORT", "0"),
        ("DD_APM_ENABLED", "false"),
        ("DD_LOGS_CONFIG_LOGS_DD_URL", intake),
        ("DD_LOG_LEVEL", "error"),
    ]
}

fn start_and_stop(program: &Path, intake: &str, options: &Options) -> anyhow::Result<()> {
    say("starting and stopping the agent");
    let (mut starts, mut stops) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let agent = Program::start(program, &["run"], &environment(intake))?;
        starts.push(begin.elapsed().as_secs_f64() * 1e3);
        let begin = Instant::now();
        agent.stop()?;
        stops.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    report("start_to_ready", median(starts), "ms", options);
    report("stop_empty", median(stops), "ms", options);
    Ok(())
}

fn idle(program: &Path, intake: &str, options: &Options) -> anyhow::Result<()> {
    say("watching an idle agent for 10 seconds");
    let agent = Program::start(program, &["run"], &environment(intake))?;
    let before = cpu_ms(agent.id())?;
    let seconds = 10;
    std::thread::sleep(Duration::from_secs(seconds));
    let cpu = cpu_ms(agent.id())? - before;
    let status = fs::read_to_string(format!("/proc/{}/status", agent.id()))?;
    report(
        "idle_rss",
        status_field(&status, "VmRSS:")? / 1024.0,
        "MiB",
        options,
    );
    report(
        "idle_threads",
        status_field(&status, "Threads:")?,
        "threads",
        options,
    );
    report(
        "idle_cpu",
        cpu / 10.0 / seconds as f64,
        "% of a core",
        options,
    );
    agent.stop()
}

/// Sends one large file with the verb `logs` and reads how long the pipeline took.
fn file_to_wire(program: &Path, intake: &str, options: &Options) -> anyhow::Result<()> {
    say("sending a file of 200 MB through the pipeline, zstd level 1");
    let file = target_folder()?.join("bench.log");
    write_lines(&file)?;
    let mut rates = Vec::new();
    for _ in 0..3 {
        let begin = Instant::now();
        let mut run = std::process::Command::new(program);
        run.args(["logs", "--format", "json"])
            .arg(&file)
            .envs(environment(intake));
        run.env("DD_LOGS_CONFIG_COMPRESSION_LEVEL", "1");
        let output = run.output().context("cannot run the verb logs")?;
        anyhow::ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        rates.push(FILE_BYTES as f64 / 1e6 / begin.elapsed().as_secs_f64());
    }
    fs::remove_file(&file)?;
    report("file_to_wire", median(rates), "MB/s", options);
    Ok(())
}

/// Lines of 200 bytes that resemble an access log.
fn write_lines(path: &Path) -> anyhow::Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for number in 0..FILE_BYTES / 200 {
        let line = format!(
            "10.0.{}.{} - - [20/Nov/2026:08:{:02}:{:02} +0000] \"GET /api/v1/items/{number} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\" request={:08x}",
            number % 251,
            number % 241,
            number / 60 % 60,
            number % 60,
            number % 9973,
            number.wrapping_mul(2_654_435_761) & 0xffff_ffff,
        );
        writeln!(file, "{line:.<199}")?;
    }
    Ok(file.flush()?)
}

fn size(options: &Options) -> anyhow::Result<()> {
    let program = build(Profile::Dist)?;
    report(
        "binary_dist",
        fs::metadata(&program)?.len() as f64 / 1e6,
        "MB",
        options,
    );
    Ok(())
}

/// A number of `/proc/ID/status`.
pub(super) fn status_field(status: &str, name: &str) -> anyhow::Result<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .with_context(|| format!("no {name}"))?;
    let number = line.split_whitespace().next().context("empty field")?;
    Ok(number.parse()?)
}

/// Processor time of a process, from clock ticks of 10 ms.
pub(super) fn cpu_ms(id: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields = stat.rsplit_once(')').context("no command in stat")?.1;
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() * 10.0)
}
