//! The verb `dev`: the agent and a local intake in one process. No account, key or file is needed, and nothing
//! leaves the machine.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use datadog_agent_native::agent::{AgentCoordinator, AgentError, Signals};
use datadog_agent_native::config::{Builder, Config, Source};
use datadog_agent_native::logger::LevelControl;
use datadog_agent_native::remote_config::StoreMode;
use datadog_dev_intake::{DEFAULT_ADDR, Error as IntakeError, Intake, config_root, director_root};
use serde_json::{Map, Value};

use crate::output::{Format, line, note};
use crate::run::{addresses, configured, install_logger};

/// Stands for the key of an account; the local intake takes any.
const KEY: &str = "00000000000000000000000000000de5";
/// Age at which logs are sent, unless `DD_LOGS_CONFIG_BATCH_WAIT` says otherwise: who watches does not like to wait.
const BATCH_WAIT: Duration = Duration::from_secs(1);

/// Pause between two questions about remote configuration, the shortest that can be set, unless
/// `DD_REMOTE_CONFIGURATION_REFRESH_INTERVAL` says otherwise.
const REFRESH_INTERVAL: &str = "5s";

/// Longest time to stop, unless `DD_SHUTDOWN_TIMEOUT` says otherwise: the intake may have been told to hang.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the agent and a local intake together.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Lets the system choose every port; without it, only those that are taken.
    #[arg(long)]
    ephemeral: bool,
    /// Sends logs over HTTP; without it they go over the stateful stream.
    #[arg(long)]
    http: bool,
    /// How to print the addresses.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let signals = Signals::install()?;
    let intake = start_intake(options.ephemeral).await?;
    let mut config = local_config(&intake, options.ephemeral);
    choose_the_way(&mut config, &intake, options.http);
    let level = install_logger(&config);
    let agent = Box::pin(start_agent(config, level)).await?;
    let mut found = addresses(agent.listeners());
    found.insert("intake".to_owned(), intake.url().into());
    let try_it = example(&found);
    intake.set_hint(&try_it);
    match options.format {
        Format::Json => line(&Value::Object(found).to_string()),
        Format::Text => line(&text(&intake.url(), &found, &try_it)),
    }
    agent.wait_for(signals).await;
    if let Err(error) = agent.shutdown().await {
        // The user may have asked for just that with a fault.
        note(&error.to_string());
    }
    intake.stop().await;
    Ok(ExitCode::SUCCESS)
}

async fn start_intake(ephemeral: bool) -> anyhow::Result<Intake> {
    let any_port = SocketAddr::new(DEFAULT_ADDR.ip(), 0);
    if ephemeral {
        return Ok(Intake::builder().addr(any_port).start().await?);
    }
    match Intake::builder().addr(DEFAULT_ADDR).start().await {
        Err(IntakeError::Bind { source, .. }) if source.kind() == std::io::ErrorKind::AddrInUse => {
            note(&format!(
                "port {} is taken: the intake listens on another one",
                DEFAULT_ADDR.port()
            ));
            Ok(Intake::builder().addr(any_port).start().await?)
        }
        started => Ok(started?),
    }
}

/// The user's configuration, with every way out of this machine closed.
fn local_config(intake: &Intake, ephemeral: bool) -> Config {
    let mut config = remote_config(configured(None), intake)
        .api_key(KEY)
        .option("logs_enabled", "true")
        .option("logs_config.logs_dd_url", intake.url())
        .option("dogstatsd_enabled", "true")
        .option("dd_url", intake.url())
        .option("apm_config.enabled", "true")
        .option("apm_config.apm_dd_url", intake.url())
        .option("site", intake_authority(intake))
        .build_with_issues();
    config.logs_config_api_key = None;
    config.remote_configuration_api_key = None;
    config.remote_configuration_key = None;
    // Nothing goes over TLS here, and with it remote configuration would not run.
    config.skip_ssl_validation = false;
    config.logs_config_additional_endpoints.clear();
    config.additional_endpoints.clear();
    config.apm_additional_endpoints.clear();
    config.observability_pipelines_worker_logs_enabled = false;
    let (waits, stops) = (
        is_default(&config, "logs_config.batch_wait"),
        is_default(&config, "shutdown_timeout"),
    );
    if waits {
        config.logs_config_batch_wait = BATCH_WAIT;
    }
    if stops {
        config.shutdown_timeout = STOP_TIMEOUT;
    }
    if ephemeral {
        config.logs_agent_port = Some(0);
        config.dogstatsd_port = 0;
        config.trace_agent_port = Some(0);
    }
    config
}

/// Remote configuration is the intake's, with its roots of trust; how often it is asked for stays the user's choice.
fn remote_config(builder: Builder, intake: &Intake) -> Builder {
    let asks = "remote_configuration.refresh_interval";
    let has_choice = !is_default(&configured(None).build_with_issues(), asks);
    let builder = match has_choice {
        true => builder,
        false => builder.option(asks, REFRESH_INTERVAL),
    };
    builder
        .option("remote_configuration.rc_dd_url", intake.url())
        .option("remote_configuration.config_root", config_root())
        .option("remote_configuration.director_root", director_root())
}

/// Host and port of the intake, as a site on this machine.
fn intake_authority(intake: &Intake) -> String {
    intake.url().trim_start_matches("http://").to_owned()
}

/// The stream, unless the user wants HTTP; to the local intake in any case.
fn choose_the_way(config: &mut Config, intake: &Intake, http: bool) {
    config.stateful.dd_url = Some(intake.url());
    if http {
        config.stateful.enabled = false;
        config.stateful.dual_ship = false;
    } else if is_default(config, "stateful.enabled") {
        config.stateful.enabled = true;
    }
}

fn is_default(config: &Config, name: &str) -> bool {
    let key = config.explain().into_iter().find(|key| key.name == name);
    key.is_none_or(|key| key.source == Source::Default)
}

/// Starts the agent; a taken port gives way to one that the system chooses.
async fn start_agent(
    mut config: Config,
    level: Option<LevelControl>,
) -> anyhow::Result<AgentCoordinator> {
    loop {
        // The versions and keys of an intake end with it.
        let builder = AgentCoordinator::builder(config.clone());
        let mut agent = builder.remote_config_store(StoreMode::Ephemeral).build()?;
        if let Some(level) = &level {
            agent.set_level_control(level.clone());
        }
        let text = match agent.start().await {
            Ok(()) => return Ok(agent),
            Err(AgentError::StartupError(text)) if text.contains("Address already in use") => text,
            Err(error) => return Err(error.into()),
        };
        let (is_dogstatsd, is_traces) = (text.starts_with("DogStatsD"), text.starts_with("traces"));
        if is_dogstatsd && config.dogstatsd_port != 0 {
            note(&format!("{text}: it listens on another port"));
            config.dogstatsd_port = 0;
        } else if is_traces && config.trace_agent_port != Some(0) {
            note(&format!("{text}: the trace listener uses another port"));
            config.trace_agent_port = Some(0);
        } else if !is_dogstatsd && !is_traces && config.logs_agent_port != Some(0) {
            note(&format!("{text}: the log server listens on another port"));
            config.logs_agent_port = Some(0);
        } else {
            return Err(AgentError::StartupError(text).into());
        }
    }
}

/// Where the log server listens.
fn logs(found: &Map<String, Value>) -> &str {
    found
        .get("logs")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Host and port of DogStatsD, for the shell.
fn dogstatsd(found: &Map<String, Value>) -> String {
    let url = found.get("dogstatsd").and_then(Value::as_str);
    let address = url.and_then(|url| url.strip_prefix("udp://"));
    address.unwrap_or_default().replacen(':', "/", 1)
}

/// One line to paste, which sends a log.
fn example(found: &Map<String, Value>) -> String {
    let logs = logs(found);
    format!(r#"curl {logs}/v1/input -d '[{{"message":"hello","service":"shop","status":"info"}}]'"#)
}

fn text(intake: &str, found: &Map<String, Value>, try_it: &str) -> String {
    let (logs, program) = (logs(found), program());
    let dogstatsd = dogstatsd(found);
    let traces = found
        .get("traces")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let address = dogstatsd.replacen('/', ":", 1);
    format!(
        "page     {intake}/\n\
         logs     {logs}/v1/input\n\
         status   {logs}/status\n\
         metrics  udp://{address}\n\
         traces   {traces}\n\
         inspect  {intake}/inspect/logs\n\
         \n\
         send a log:\n  {try_it}\n\
         send a metric:\n  \
         printf 'orders:1|c|#service:shop' > /dev/udp/{dogstatsd}\n\
         send a file:\n  \
         DD_API_KEY={KEY} DD_LOGS_CONFIG_LOGS_DD_URL={intake} {program} logs FILE\n\
         \n\
         send a trace (pip install ddtrace):\n  \
         DD_TRACE_AGENT_URL={traces} ddtrace-run python APP.py\n\
         \n\
         Ctrl+C stops."
    )
}

/// This program, as it can be called from here.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "datadog-agent-native".into());
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(&path)
        .display()
        .to_string()
}
