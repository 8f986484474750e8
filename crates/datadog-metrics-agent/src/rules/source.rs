//! Where a metric comes from, in the numbers of the intake: by the platform, the name and the tags.

use datadog_wire::metrics::{category, product, service};

use crate::context::TAG_END;
use crate::series::Source;

/// Where the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    /// On a host, which its metrics name.
    #[default]
    Host,
    /// Beside a function, or anywhere without a host.
    Serverless,
}

impl Platform {
    pub(super) const fn has_no_host(self) -> bool {
        matches!(self, Self::Serverless)
    }

    /// The source of a metric.
    pub(super) fn source(self, name: &str, tags: &str) -> Source {
        match self {
            Self::Host => Source::DOGSTATSD,
            Self::Serverless => serverless(name, tags),
        }
    }
}

fn serverless(name: &str, tags: &str) -> Source {
    if name.starts_with("datadog.") {
        return Source::default();
    }
    let category = tags.split(TAG_END).find_map(|tag| match tag {
        "origin:appservice" => Some(category::APP_SERVICE),
        "origin:cloudrun" => Some(category::CLOUD_RUN),
        "origin:containerapp" => Some(category::CONTAINER_APP),
        "origin:azurefunction" => Some(category::AZURE_FUNCTIONS),
        tag if tag.starts_with("function_arn:") => Some(category::LAMBDA),
        _ => None,
    });
    // What no number stands for is at least a metric of an agent.
    let Some(category) = category else {
        return Source::DOGSTATSD;
    };
    let service = if name.starts_with("jvm.") || name.starts_with("runtime.") {
        service::RUNTIME
    } else if is_enhanced(name) {
        service::ENHANCED
    } else {
        service::CUSTOM
    };
    Source {
        product: product::SERVERLESS,
        category,
        service,
    }
}

/// Whether a name is one of those about the function itself.
pub(super) fn is_enhanced(name: &str) -> bool {
    ["aws.lambda.", "gcp.run.", "azure.functions."]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}
