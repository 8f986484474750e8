//! The verb `logs`: files and standard input through the configured pipeline, and a report of what became of them.

mod follow;
mod lines;
mod report;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use datadog_agent_native::agent::Signals;
use datadog_agent_native::logs::{Identity, Sender};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use self::follow::Followed;
use self::lines::{Input, Reader};
use self::report::{FileReport, Report};
use crate::output::{Format, line};
use crate::run::{configured, install_logger};

/// Pause between two looks at a followed file that has nothing new.
const POLL: Duration = Duration::from_millis(200);

/// Time for what is left when the deadline was not enough: to say that it is lost.
const AFTER_DEADLINE: Duration = Duration::from_millis(100);

/// Sends files, or standard input as `-`, and reports what was delivered, dropped and why.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Goes on with what is appended, through rotations, until SIGINT or SIGTERM.
    #[arg(long, short = 'f')]
    follow: bool,
    /// A datadog.yaml; `DD_*` variables win over it.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// Service of these logs, instead of `DD_SERVICE`.
    #[arg(long)]
    service: Option<String>,
    /// Source of these logs: what wrote them, such as `nginx`.
    #[arg(long)]
    source: Option<String>,
    /// Seconds to go on trying after the last line was read.
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=604_800))]
    deadline: u64,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Sends, and ends with status 1 when a file could not be read or a line was lost.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let config = configured(options.config.as_deref())
        .option("logs_enabled", "true")
        .build_with_issues();
    install_logger(&config);
    let identity = Identity {
        service: options.service.clone(),
        source: options.source.clone(),
    };
    let sender = Sender::start(&config, identity).await?;
    let mut run = Run::new(&options, sender).await;
    let begin = Instant::now();

    let mut stop = std::pin::pin!(Signals::install()?.next());
    let stopped = tokio::select! {
        () = run.read_all() => false,
        signal = &mut stop => signal.map(|_| true)?,
    };
    let mut rest = config.logs_stop_timeout();
    if stopped {
        run.interrupted().await;
    } else {
        tokio::select! {
            () = run.sender.flush(Duration::from_secs(options.deadline)) => rest = AFTER_DEADLINE,
            signal = &mut stop => signal.map(drop)?,
        }
    }
    run.progress.finish_and_clear();
    let delivered = run.sender.stop(rest).await;
    let report = Report {
        files: run.files,
        delivered,
        seconds: begin.elapsed().as_secs_f64(),
    };
    match options.format {
        Format::Json => line(&report.to_json().to_string()),
        Format::Text => line(&report.to_text()),
    }
    Ok(if report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The reading side of one run of the verb.
struct Run {
    inputs: Vec<Input>,
    follow: bool,
    sender: Sender,
    files: Vec<FileReport>,
    /// The input that is being read, by its number.
    reading: Option<(usize, Reader)>,
    /// Files that are followed, by their number among the inputs.
    followed: Vec<(usize, Followed)>,
    progress: ProgressBar,
}

impl Run {
    async fn new(options: &Options, sender: Sender) -> Self {
        let inputs: Vec<_> = options.files.iter().map(|file| Input::of(file)).collect();
        let files = options
            .files
            .iter()
            .map(|file| FileReport::new(file))
            .collect();
        let progress = progress(&inputs, options.follow).await;
        Self {
            inputs,
            follow: options.follow,
            sender,
            files,
            reading: None,
            followed: Vec::new(),
            progress,
        }
    }

    /// Reads one input after the other, then goes on with those that are followed, a block of each in turn. What
    /// cannot be read is noted in the report and harms no other.
    async fn read_all(&mut self) {
        for number in 0..self.inputs.len() {
            let ended = match (&self.inputs[number], self.follow) {
                (Input::File(path), true) => Followed::open(path)
                    .await
                    .map(|file| self.followed.push((number, file))),
                (input, _) => {
                    let input = input.clone();
                    self.read(number, &input).await
                }
            };
            self.note_end(number, ended);
        }
        while !self.followed.is_empty() {
            if !self.follow_once().await {
                tokio::time::sleep(POLL).await;
            }
        }
    }

    fn note_end(&mut self, number: usize, ended: anyhow::Result<()>) {
        let file = &mut self.files[number];
        file.finished = ended.is_ok();
        file.error = ended.err().map(|error| format!("{error:#}"));
    }

    async fn read(&mut self, number: usize, input: &Input) -> anyhow::Result<()> {
        self.reading = Some((number, input.open().await?));
        while let Some((_, reader)) = &mut self.reading {
            match reader.next().await? {
                Some(block) => self.send(number, &block).await?,
                None => self.reading = None,
            }
        }
        Ok(())
    }

    /// Sends the next block of each followed file; says whether there was any.
    async fn follow_once(&mut self) -> bool {
        let mut had_news = false;
        let mut place = 0;
        while place < self.followed.len() {
            let (number, file) = &mut self.followed[place];
            let (number, next) = (*number, file.next().await);
            let sent = match next {
                Ok(None) => Ok(()),
                Ok(Some(block)) => {
                    had_news = true;
                    self.send(number, &block).await
                }
                Err(error) => Err(error),
            };
            match sent {
                Ok(()) => place += 1,
                Err(error) => {
                    self.followed.remove(place);
                    self.note_end(number, Err(error));
                }
            }
        }
        had_news
    }

    /// After a signal: what was begun of a last line is sent, and inputs that were not read to their end are noted.
    async fn interrupted(&mut self) {
        let reading = self.reading.take();
        let mut rests: Vec<_> = reading
            .into_iter()
            .map(|(number, mut reader)| (number, reader.rest()))
            .collect();
        for (number, mut file) in std::mem::take(&mut self.followed) {
            rests.push((number, file.rest()));
        }
        for (number, rest) in rests {
            let Some(rest) = rest else { continue };
            if let Err(error) = self.send(number, &rest).await {
                self.note_end(number, Err(error));
            }
        }
        for file in self.files.iter_mut().filter(|file| !file.finished) {
            file.error.get_or_insert_with(|| "interrupted".to_owned());
        }
    }

    /// Queues whole lines, waiting while the pipeline is full.
    async fn send(&mut self, number: usize, block: &Bytes) -> anyhow::Result<()> {
        let lines = self
            .sender
            .lines(number, block)
            .await
            .context("the pipeline has stopped")?;
        let file = &mut self.files[number];
        file.lines += lines;
        file.bytes += block.len() as u64;
        self.progress.inc(block.len() as u64);
        Ok(())
    }
}

/// A bar over the bytes of all files, on a terminal only.
async fn progress(inputs: &[Input], follow: bool) -> ProgressBar {
    let mut total = Some(0);
    for input in inputs {
        total = total.zip(input.size().await).map(|(sum, size)| sum + size);
    }
    let known = total.filter(|_| !follow);
    let bar = ProgressBar::with_draw_target(known, ProgressDrawTarget::stderr());
    let template = match known {
        Some(_) => "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
