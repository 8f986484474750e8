//! A host that sets the variables which configure the agent, before anything else runs.

#![allow(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "setting a variable is unsafe while other threads run; here none does"
)]

use std::env;

use datadog_agent_native::agent::AgentCoordinator;
use datadog_agent_native::config::Config;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // SAFETY: no other thread runs yet.
    unsafe {
        // Set environment variables
        env::set_var("DD_API_KEY", "your-api-key");
        env::set_var("DD_SITE", "datadoghq.com");
        env::set_var("DD_SERVICE", "my-service");
        env::set_var("DD_ENV", "production");
        env::set_var("DD_VERSION", "1.0.0");
        env::set_var("DD_TRACE_AGENT_PORT", "8126");
    }
    run()
}

#[tokio::main]
async fn run() -> Result<(), Box<dyn std::error::Error>> {
    // Configuration is automatically loaded from environment
    let config = Config::default();

    let mut coordinator = AgentCoordinator::new(config)?;
    coordinator.start().await?;
    coordinator.wait_for_shutdown().await;
    coordinator.shutdown().await?;

    Ok(())
}
