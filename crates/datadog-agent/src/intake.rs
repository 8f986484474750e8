//! The verb `intake`: the local intake alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use datadog_agent_native::agent::Signals;
use datadog_dev_intake::{DEFAULT_ADDR, DEFAULT_KEEP_BYTES, Intake};
use serde_json::json;

use crate::output::{Format, line};

/// Runs the local intake alone.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Address to listen on; port 0 lets the system choose.
    #[arg(long, default_value_t = DEFAULT_ADDR)]
    addr: SocketAddr,
    /// Script of faults, a JSON file as `POST /inspect/faults` takes it.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Bytes of records that are kept; the oldest go first, and are counted.
    #[arg(long, default_value_t = DEFAULT_KEEP_BYTES, value_name = "BYTES")]
    keep_bytes: u64,
    /// Bytes that a sender may have on their way in one HTTP/2 stream; a small number makes a stateful stream stall.
    #[arg(long, value_name = "BYTES")]
    stream_window_bytes: Option<u32>,
    /// Folder to serve the page from, for who works on it.
    #[arg(long, value_name = "FOLDER")]
    ui: Option<PathBuf>,
    /// How to print the address.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let signals = Signals::install()?;
    let mut builder = Intake::builder()
        .addr(options.addr)
        .keep_bytes(options.keep_bytes);
    if let Some(file) = options.faults {
        builder = builder.faults_file(file);
    }
    if let Some(bytes) = options.stream_window_bytes {
        builder = builder.stream_window_bytes(bytes);
    }
    if let Some(folder) = options.ui {
        builder = builder.ui_dir(folder);
    }
    let intake = builder.start().await?;
    match options.format {
        Format::Json => line(&json!({ "intake": intake.url() }).to_string()),
        Format::Text => line(&text(&intake.url())),
    }
    signals.next().await?;
    intake.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn text(url: &str) -> String {
    format!(
        "intake   {url}  (the page, and /inspect for programs)\n\
         send it logs with\n  \
         curl -s {url}/api/v2/logs -H 'DD-API-KEY: any' -d '[{{\"message\":\"hello\"}}]'"
    )
}
