//! A whole log agent with the stateful stream, and how it is set up.

#[path = "stream/alike.rs"]
mod alike;
#[path = "stream/shadow.rs"]
mod shadow;
#[path = "stream/ways.rs"]
mod ways;

use std::time::Duration;

use datadog_dev_intake::Intake;
use datadog_logs_agent::stream::transport::client::{Endpoint, Key};
use datadog_logs_agent::stream::transport::coder::ANone;
use datadog_logs_agent::stream::transport::pipeline::Options;
use datadog_logs_agent::stream::transport::state::Settings;
use datadog_logs_agent::stream::transport::{Compression, backoff, service};
use datadog_logs_agent::stream::{Config as StreamConfig, Role};
use datadog_logs_agent::{Config, FlushStrategy};
use datadog_logs_patterns::encoder;
use datadog_wire::stateful::METHOD_A;
use serde_json::Value;

use crate::agent::{self, Agent};

/// An agent whose logs go to `intake` over one stream, and over HTTP where that does not take them.
fn config(intake: &Intake) -> Config {
    let options = Options {
        settings: Settings {
            backoff: backoff::Settings {
                base: Duration::from_millis(2),
                max: Duration::from_millis(20),
                ..backoff::Settings::default()
            },
            ..Settings::default()
        },
        encoder: encoder::Options::default(),
        compression: Compression::Zstd(3),
        a_none: ANone::EmptyValue,
    };
    Config {
        flush: FlushStrategy::OnDemand,
        stream: Some(StreamConfig {
            endpoint: Endpoint {
                origin: intake.url().parse().unwrap(),
                method: None,
                key: Key::fixed("0123456789abcdef"),
                user_agent: "datadog-agent/test".to_owned(),
                origin_name: None,
                state_request_bytes: 1 << 20,
                compression: Compression::Zstd(3),
                shadow: false,
                keepalive_time: Duration::from_secs(30),
                keepalive_timeout: Duration::from_secs(10),
            },
            pipeline: service::Config {
                options,
                queue: 1,
                shutdown_timeout: Duration::from_secs(15),
                rests_after_flush: false,
            },
            pipelines: 1,
            role: Role::Primary,
            http_above_bytes: None,
            send_empty: true,
        }),
        ..agent::config(intake)
    }
}

/// The same, with other settings of the stream.
fn config_with(intake: &Intake, change: impl FnOnce(&mut StreamConfig)) -> Config {
    let mut config = config(intake);
    change(config.stream.as_mut().unwrap());
    config
}

fn settings(stream: &mut StreamConfig) -> &mut Settings {
    &mut stream.pipeline.options.settings
}

/// Over which way each log came, by its message.
fn ways(intake: &Intake) -> Vec<(String, &'static str)> {
    let way = |is_stream: bool| if is_stream { "stream" } else { "http" };
    (intake.logs().into_iter())
        .map(|log| (log.message, way(log.stream.is_some())))
        .collect()
}

/// Posts entries and expects them to be taken.
async fn post(agent: &Agent, entries: &Value) {
    agent
        .post("/v1/input", entries.to_string())
        .await
        .expect(200, "ok");
}

/// Nothing holds memory any more.
async fn expect_no_memory(agent: &Agent) {
    agent
        .status_when(|status| status["memory"]["bytes"] == 0)
        .await;
}

fn streams(intake: &Intake) -> usize {
    intake.requests(METHOD_A)
}
