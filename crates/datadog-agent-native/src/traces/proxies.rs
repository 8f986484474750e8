//! What the configuration says of requests that are passed on to other intakes.

use datadog_traces_agent::config::{
    CloudResource, EvpTarget, Install, Proxies, ProxyMode, ProxyTarget,
};
use datadog_traces_agent::{Config as TracesConfig, FlushStrategy};

use crate::config::{Config, Value};
use crate::keys::Keys;
use crate::platform;

/// Fills where requests for other intakes go, and what they say of where they come from.
pub(super) fn fill(config: &Config, keys: &Keys<'_>, traces: &mut TracesConfig) {
    let proxies = &mut traces.proxies;
    if traces.flush == FlushStrategy::OnDemand {
        proxies.mode = ProxyMode::Buffered;
    }
    let names = [
        ("profiling", &mut proxies.profiling),
        ("telemetry", &mut proxies.telemetry),
        ("debugger", &mut proxies.debugger_logs),
        ("debugger_diagnostics", &mut proxies.debugger),
        ("symdb", &mut proxies.symdb),
    ];
    for (name, targets) in names {
        override_targets(keys, name, targets);
    }
    if let (Some(url), Some(target)) = (
        keys.text("ol_proxy_config.dd_url"),
        proxies.lineage.first_mut(),
    ) {
        url.clone_into(&mut target.url);
    }
    if !keys.on("ol_proxy_config.enabled") {
        proxies.lineage.clear();
    }
    if !keys.on("apm_config.telemetry_enabled") {
        proxies.telemetry.clear();
    }
    proxies.profiling_bytes = keys.number(
        "apm_config.profiling_max_request_bytes",
        proxies.profiling_bytes,
    );
    proxies.evp = keys.on("evp_proxy_config.enabled").then(|| EvpTarget {
        site: keys
            .text("evp_proxy_config.dd_url")
            .unwrap_or(&config.site)
            .to_owned(),
        max_bytes: keys.number("evp_proxy_config.max_payload_size", 10 * 1_024 * 1_024),
    });
    origin(config, keys, proxies);
}

/// What requests that are passed on say of where they come from.
fn origin(config: &Config, keys: &Keys<'_>, proxies: &mut Proxies) {
    let text = |name| keys.text(name).unwrap_or_default().to_owned();
    proxies.application_key = keys.text("evp_proxy_config.app_key").map(str::to_owned);
    proxies.install = keys.text("apm_config.install_id").map(|id| Install {
        id: id.to_owned(),
        kind: text("apm_config.install_type"),
        time: text("apm_config.install_time"),
    });
    let cloud = platform::cloud_resource(config);
    proxies.cloud = cloud.map(|parts| {
        let [provider, resource_type, identifier] = parts.map(str::to_owned);
        CloudResource {
            provider,
            resource_type,
            identifier,
        }
    });
    proxies.profiling_tags = platform::profiling_tags(config);
}

/// The intakes of a product: the URL and key that are set for it, and those besides.
fn override_targets(keys: &Keys<'_>, name: &str, targets: &mut Vec<ProxyTarget>) {
    if let Some(first) = targets.first_mut() {
        if let Some(url) = keys.text(&format!("apm_config.{name}_dd_url")) {
            url.clone_into(&mut first.url);
        }
        let key = keys.text(&format!("apm_config.{name}_api_key"));
        first.api_key = key.map(str::to_owned);
    }
    if let Some(Value::KeysByUrl(further)) = keys
        .0
        .value(&format!("apm_config.{name}_additional_endpoints"))
    {
        for (url, api_keys) in further {
            targets.extend(api_keys.iter().map(|key| ProxyTarget {
                url: url.clone(),
                api_key: Some(key.clone()),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;

    fn filled(variables: &[(&str, &str)]) -> Proxies {
        let config = Config::builder()
            .profile(Profile::Serverless)
            .with_env_iter(variables.iter().copied())
            .build_with_issues();
        let mut traces = TracesConfig::from_intake("http://127.0.0.1:9", None, "127.0.0.1:9");
        fill(&config, &Keys(&config), &mut traces);
        traces.proxies
    }

    #[test]
    fn requests_say_where_they_come_from() {
        let proxies = filled(&[
            ("DD_APP_KEY", "an-application"),
            ("DD_INSTRUMENTATION_INSTALL_ID", "id"),
            ("DD_INSTRUMENTATION_INSTALL_TYPE", "k8s"),
            ("DD_INSTRUMENTATION_INSTALL_TIME", "1700000000"),
            ("K_SERVICE", "orders"),
        ]);
        assert_eq!(proxies.application_key.as_deref(), Some("an-application"));
        let install = Install {
            id: "id".to_owned(),
            kind: "k8s".to_owned(),
            time: "1700000000".to_owned(),
        };
        assert_eq!(proxies.install, Some(install));
        let cloud = CloudResource {
            provider: "GCP".to_owned(),
            resource_type: "GCPCloudRun".to_owned(),
            identifier: "orders".to_owned(),
        };
        assert_eq!(proxies.cloud, Some(cloud));
        assert_eq!(
            proxies.profiling_tags,
            ["origin:cloudrun", "dd.origin:cloudrun"]
        );
    }

    #[test]
    fn without_settings_they_say_nothing() {
        let proxies = filled(&[]);
        assert_eq!(
            (proxies.application_key, proxies.install, proxies.cloud),
            (None, None, None)
        );
        assert_eq!(proxies.profiling_tags, [""; 0]);
    }
}
