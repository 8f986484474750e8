//! Which metrics about the function or container itself are collected: by platform and settings.

use datadog_metrics_agent::{FlushStrategy, enhanced};

use super::Keys;
use crate::config::Config;
use crate::platform::{self, Platform};

/// What is said about the function or container itself: on its platform, and where its settings allow it.
pub(super) fn enhanced(
    config: &Config,
    keys: &Keys<'_>,
    flush: FlushStrategy,
) -> Option<enhanced::Config> {
    let platform = Platform::of(config)?;
    let is_on = config.enhanced_metrics;
    let (collected, tags) = match platform {
        Platform::Lambda if is_on && keys.on("lambda_proc_enhanced_metrics") => {
            let window = match flush {
                FlushStrategy::Interval(interval) => Some(interval),
                FlushStrategy::OnDemand => None,
            };
            (enhanced::Platform::Lambda { window }, Vec::new())
        }
        // That an instance is there is told in any case.
        Platform::AzureFunctions => {
            let instance = platform::azure_instance(&config.platform_inputs);
            if instance.is_none() && !is_on {
                return None;
            }
            let collected = enhanced::Platform::AzureFunctions {
                instance,
                cpu: is_on,
            };
            (collected, platform::azure_tags(config))
        }
        Platform::GoogleFunctions | Platform::CloudRun | Platform::AzureSpring
            if is_on && keys.on("container_enhanced_metrics") =>
        {
            (enhanced::Platform::Container, Vec::new())
        }
        _ => return None,
    };
    Some(enhanced::Config {
        tags,
        ..enhanced::Config::from_platform(collected)
    })
}
