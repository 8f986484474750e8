//! Which platform the agent runs on, by the variables that platforms set; and what these say about it, as tags.
//!
//! Asks nobody and looks at no file; [`verify()`] does. Only an agent that was told that it runs beside a function looks
//! at all: inside of another program, that program's platform is not the agent's business.

mod detect;
mod verify;

pub use detect::{NotDetected, Place, detect};
pub use verify::{Facts, Unfit, verify};

use crate::config::{Config, PlatformInputs, Profile, Value};

/// A platform of functions or containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// AWS Lambda.
    Lambda,
    /// Azure Functions.
    AzureFunctions,
    /// Functions of Google Cloud, of either generation.
    GoogleFunctions,
    /// A container of Google Cloud Run that is not that of a function.
    CloudRun,
    /// Azure Spring Apps.
    AzureSpring,
}

impl Platform {
    /// The platform of this configuration: what it says, else what the variables of one platform alone say.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        if !config.profile.is_serverless() {
            return None;
        }
        if let Some(Value::Text(chosen)) = config.value("serverless_platform") {
            return Self::named(chosen);
        }
        if config.profile == Profile::Lambda {
            return Some(Self::Lambda);
        }
        let mut found = Self::all_of(&config.platform_inputs);
        match (found.next(), found.next()) {
            (Some(platform), None) => Some(platform),
            _ => None,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lambda" => Self::Lambda,
            "azure_functions" => Self::AzureFunctions,
            "google_functions" => Self::GoogleFunctions,
            "azure_spring" => Self::AzureSpring,
            _ => return None,
        })
    }

    fn all_of(inputs: &PlatformInputs) -> impl Iterator<Item = Self> {
        let has = |names: &[&str]| names.iter().all(|name| inputs.get(name).is_some());
        let is_newer_function = has(&["K_SERVICE", "FUNCTION_TARGET"]);
        let is_function = is_newer_function || has(&["FUNCTION_NAME", "GCP_PROJECT"]);
        [
            (
                Self::Lambda,
                has(&["AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_FUNCTION_NAME"]),
            ),
            (
                Self::AzureFunctions,
                has(&[
                    "FUNCTIONS_EXTENSION_VERSION",
                    "FUNCTIONS_WORKER_RUNTIME",
                    "WEBSITE_SITE_NAME",
                ]),
            ),
            (Self::GoogleFunctions, is_function),
            (Self::CloudRun, !is_function && has(&["K_SERVICE"])),
            (
                Self::AzureSpring,
                has(&["ASCSVCRT_SPRING__APPLICATION__NAME"]),
            ),
        ]
        .into_iter()
        .filter_map(|(platform, is_there)| is_there.then_some(platform))
    }

    /// The tags of everything that the agent sends from there.
    pub(crate) fn tags(self, config: &Config) -> Vec<String> {
        if self == Self::Lambda && config.profile == Profile::Lambda {
            return lambda(config);
        }
        let origin = self.origin();
        vec![format!("origin:{origin}"), format!("dd.origin:{origin}")]
    }

    /// What telemetry from there is said to come from.
    const fn origin(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::AzureFunctions => "azurefunction",
            Self::GoogleFunctions => "cloudfunction",
            Self::CloudRun => "cloudrun",
            Self::AzureSpring => "azurespringapp",
        }
    }
}

/// Tags for every span from a place: what its platform is, and what it told of itself.
#[must_use]
pub fn span_tags(place: &Place, facts: &Facts, config: &Config) -> Vec<(String, String)> {
    let mut tags = vec![("_dd.origin", place.platform.origin().to_owned())];
    if let Some(Value::Text(version)) = config.value("serverless_compat_version") {
        tags.push(("_dd.serverless_compat_version", version.clone()));
    }
    let Place { platform, name } = place;
    match platform {
        Platform::GoogleFunctions => {
            let Facts { project, region } = facts;
            let resource = format!("projects/{project}/locations/{region}/functions/{name}");
            tags.push(("gcrfx.location", region.clone()));
            tags.push(("gcrfx.project_id", project.clone()));
            tags.push(("gcrfx.resource_name", resource));
        }
        Platform::AzureSpring => {
            let host = config.platform_inputs.get("HOSTNAME").unwrap_or_default();
            tags.push(("asa.hostname", host.to_owned()));
            tags.push(("asa.name", name.clone()));
        }
        Platform::Lambda | Platform::AzureFunctions | Platform::CloudRun => {}
    }
    tags.retain(|(_, value)| !value.is_empty());
    tags.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The resource that telemetry of tracers is told to come from: provider, kind and name. `None` where it has none that
/// telemetry knows.
pub(crate) fn cloud_resource(config: &Config) -> Option<[&str; 3]> {
    let get = |name| config.platform_inputs.get(name);
    let (provider, kind, name) = match Platform::of(config)? {
        Platform::CloudRun => ("GCP", "GCPCloudRun", get("K_SERVICE")),
        Platform::GoogleFunctions => {
            let name = get("K_SERVICE").or_else(|| get("FUNCTION_NAME"));
            ("GCP", "GCPCloudFunctions", name)
        }
        Platform::AzureFunctions => ("Azure", "AzureAppService", get("WEBSITE_SITE_NAME")),
        Platform::Lambda | Platform::AzureSpring => return None,
    };
    Some([provider, kind, name.filter(|name| !name.is_empty())?])
}

/// What profiles are told of the function that they are of.
pub(crate) fn profiling_tags(config: &Config) -> Vec<String> {
    match Platform::of(config) {
        Some(Platform::AzureFunctions) => azure_tags(config),
        Some(platform) => platform.tags(config),
        None => Vec::new(),
    }
}

/// Adds a tag unless its value is missing, empty or unknown.
fn push(tags: &mut Vec<String>, name: &str, value: Option<&str>) {
    if let Some(value) = value
        && !value.is_empty()
        && value != "unknown"
    {
        tags.push(format!("{name}:{value}"));
    }
}

/// What the variables of Lambda say of the function. Its account and ARN stand in none of them.
fn lambda(config: &Config) -> Vec<String> {
    let get = |name| config.platform_inputs.get(name);
    let name = get("AWS_LAMBDA_FUNCTION_NAME");
    let version = get("AWS_LAMBDA_FUNCTION_VERSION").filter(|it| *it != "$LATEST");
    let resource = match (name, version) {
        (Some(name), Some(version)) => Some(format!("{name}:{version}")),
        (name, _) => name.map(str::to_owned),
    };
    let runtime = get("AWS_EXECUTION_ENV").and_then(|it| it.strip_prefix("AWS_Lambda_"));
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let mut tags = Vec::new();
    push(&mut tags, "region", get("AWS_DEFAULT_REGION"));
    push(&mut tags, "functionname", name);
    push(&mut tags, "resource", resource.as_deref());
    push(&mut tags, "executedversion", version);
    push(
        &mut tags,
        "memorysize",
        get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    );
    push(&mut tags, "runtime", runtime);
    push(&mut tags, "architecture", Some(architecture));
    push(
        &mut tags,
        "init_type",
        get("AWS_LAMBDA_INITIALIZATION_TYPE"),
    );
    push(
        &mut tags,
        "dd_extension_version",
        Some(env!("CARGO_PKG_VERSION")),
    );
    tags
}

/// What Azure Functions says of the app that an instance belongs to.
pub(crate) fn azure_tags(config: &Config) -> Vec<String> {
    let get = |name| config.platform_inputs.get(name);
    // The owner is `SUBSCRIPTION+GROUP-REGIONwebspace`.
    let subscription = get("WEBSITE_OWNER_NAME")
        .and_then(|owner| owner.split_once('+'))
        .map(|(subscription, _)| subscription);
    let text = |name| match config.value(name) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let group = text("azure_resource_group").or_else(|| get("WEBSITE_RESOURCE_GROUP"));
    let mut tags = Vec::new();
    push(&mut tags, "resource_group", group);
    push(&mut tags, "subscription_id", subscription);
    push(&mut tags, "name", get("WEBSITE_SITE_NAME"));
    push(&mut tags, "region", get("REGION_NAME"));
    push(&mut tags, "plan_tier", get("WEBSITE_SKU"));
    push(&mut tags, "service", config.service.as_deref());
    push(&mut tags, "env", config.env.as_deref());
    push(&mut tags, "version", config.version.as_deref());
    let compat = text("serverless_compat_version");
    push(&mut tags, "serverless_compat_version", compat);
    tags
}

/// The name of the instance on Azure Functions, as its own metrics have it: by the plan, else whatever there is.
pub(crate) fn azure_instance(inputs: &PlatformInputs) -> Option<String> {
    let container = inputs.get("CONTAINER_NAME");
    let pod = inputs.get("WEBSITE_POD_NAME");
    let computer = inputs.get("COMPUTERNAME");
    let by_plan = match inputs.get("WEBSITE_SKU") {
        Some("FlexConsumption" | "Dynamic") | None => None,
        Some(_) => computer,
    };
    by_plan
        .or(container)
        .or(pod)
        .or(computer)
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(profile: Profile, variables: &[(&str, &str)]) -> Config {
        Config::builder()
            .profile(profile)
            .with_env_iter(variables.iter().copied())
            .build_with_issues()
    }

    const AZURE: [(&str, &str); 3] = [
        ("FUNCTIONS_EXTENSION_VERSION", "~4"),
        ("FUNCTIONS_WORKER_RUNTIME", "node"),
        ("WEBSITE_SITE_NAME", "shop-app"),
    ];

    #[test]
    fn a_platform_is_known_by_its_variables_unless_there_are_several() {
        let of = |variables: &[(&str, &str)]| Platform::of(&config(Profile::Serverless, variables));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&AZURE), Some(Platform::AzureFunctions));
        assert_eq!(of(&AZURE[..2]), None);
        let function = [("K_SERVICE", "s"), ("FUNCTION_TARGET", "f")];
        assert_eq!(of(&function), Some(Platform::GoogleFunctions));
        assert_eq!(of(&function[..1]), Some(Platform::CloudRun));
        let older = [("FUNCTION_NAME", "f"), ("GCP_PROJECT", "p")];
        assert_eq!(of(&older), Some(Platform::GoogleFunctions));
        let spring = ("ASCSVCRT_SPRING__APPLICATION__NAME", "a");
        assert_eq!(of(&[spring]), Some(Platform::AzureSpring));
        assert_eq!(of(&[spring, AZURE[0], AZURE[1], AZURE[2]]), None);
        let forced = ("DD_SERVERLESS_PLATFORM", "google_functions");
        assert_eq!(of(&[spring, forced]), Some(Platform::GoogleFunctions));
        assert_eq!(of(&[spring, ("DD_SERVERLESS_PLATFORM", "none")]), None);
        assert_eq!(Platform::of(&config(Profile::Embedded, &AZURE)), None);
        assert_eq!(
            Platform::of(&config(Profile::Lambda, &[])),
            Some(Platform::Lambda)
        );
    }

    #[test]
    fn spans_carry_what_their_platform_told_of_itself() {
        let version = ("DD_SERVERLESS_COMPAT_VERSION", "1.2.3");
        let config = config(Profile::Serverless, &[version, ("HOSTNAME", "web-1")]);
        let facts = Facts {
            project: "p".to_owned(),
            region: "us-east1".to_owned(),
        };
        let of = |platform, name: &str| {
            let name = name.to_owned();
            let tags = span_tags(&Place { platform, name }, &facts, &config).into_iter();
            tags.map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of(Platform::GoogleFunctions, "f"),
            [
                "_dd.origin=cloudfunction",
                "_dd.serverless_compat_version=1.2.3",
                "gcrfx.location=us-east1",
                "gcrfx.project_id=p",
                "gcrfx.resource_name=projects/p/locations/us-east1/functions/f",
            ]
        );
        assert_eq!(
            of(Platform::AzureSpring, "app")[2..],
            ["asa.hostname=web-1", "asa.name=app"]
        );
        assert_eq!(of(Platform::AzureSpring, "").len(), 3);
        assert_eq!(of(Platform::Lambda, "f").len(), 2);
    }

    #[test]
    fn telemetry_is_told_which_resource_it_comes_from() {
        let of = |variables: &[(&str, &str)]| {
            let config = config(Profile::Serverless, variables);
            cloud_resource(&config).map(|parts| parts.map(str::to_owned))
        };
        let some = |parts: [&str; 3]| Some(parts.map(str::to_owned));
        assert_eq!(of(&AZURE), some(["Azure", "AzureAppService", "shop-app"]));
        let run = [("K_SERVICE", "s"), ("FUNCTION_TARGET", "f")];
        assert_eq!(of(&run[..1]), some(["GCP", "GCPCloudRun", "s"]));
        assert_eq!(of(&run), some(["GCP", "GCPCloudFunctions", "s"]));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("ASCSVCRT_SPRING__APPLICATION__NAME", "a")]), None);
    }

    #[test]
    fn profiles_are_told_the_function() {
        let tags = profiling_tags(&config(Profile::Serverless, &AZURE));
        assert!(tags.contains(&"name:shop-app".to_owned()), "{tags:?}");
        let run = config(Profile::Serverless, &[("K_SERVICE", "s")]);
        assert_eq!(
            profiling_tags(&run),
            ["origin:cloudrun", "dd.origin:cloudrun"]
        );
        assert_eq!(profiling_tags(&config(Profile::Embedded, &AZURE)), [""; 0]);
    }

    #[test]
    fn what_lambda_says_of_a_function_becomes_tags() {
        let config = config(
            Profile::Lambda,
            &[
                ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
                ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs20.x"),
                ("AWS_DEFAULT_REGION", "eu-west-1"),
            ],
        );
        let mut tags = Platform::Lambda.tags(&config);
        tags.retain(|tag| !tag.starts_with("architecture:") && !tag.starts_with("dd_ext"));
        assert_eq!(
            tags,
            [
                "region:eu-west-1",
                "functionname:orders",
                "resource:orders:7",
                "executedversion:7",
                "memorysize:512",
                "runtime:nodejs20.x",
                "init_type:on-demand",
            ]
        );
    }

    #[test]
    fn the_latest_version_of_a_function_has_no_number() {
        let latest = ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
        let config = config(
            Profile::Lambda,
            &[("AWS_LAMBDA_FUNCTION_NAME", "o"), latest],
        );
        let tags = Platform::Lambda.tags(&config);
        assert!(tags.contains(&"resource:o".to_owned()), "{tags:?}");
        assert!(!tags.iter().any(|tag| tag.starts_with("executedversion")));
    }

    #[test]
    fn an_app_of_azure_is_tagged_with_what_is_known_of_it() {
        let config = config(
            Profile::Serverless,
            &[
                AZURE[2],
                ("WEBSITE_OWNER_NAME", "sub-1+group-EastUSwebspace-Linux"),
                ("WEBSITE_RESOURCE_GROUP", "group"),
                ("REGION_NAME", "East US"),
                ("WEBSITE_SKU", "unknown"),
                ("DD_ENV", "prod"),
                ("DD_SERVERLESS_COMPAT_VERSION", "1.2.3"),
            ],
        );
        assert_eq!(
            azure_tags(&config),
            [
                "resource_group:group",
                "subscription_id:sub-1",
                "name:shop-app",
                "region:East US",
                "env:prod",
                "serverless_compat_version:1.2.3",
            ]
        );
    }

    #[test]
    fn an_instance_of_azure_is_named_by_what_its_plan_has() {
        let of = |variables: &[(&str, &str)]| {
            azure_instance(&config(Profile::Serverless, variables).platform_inputs)
        };
        let all = [
            ("CONTAINER_NAME", "C"),
            ("WEBSITE_POD_NAME", "P"),
            ("COMPUTERNAME", "M"),
        ];
        let with = |sku, names: &[(&'static str, &'static str)]| {
            let mut variables = vec![("WEBSITE_SKU", sku)];
            variables.extend(names);
            of(&variables)
        };
        assert_eq!(with("FlexConsumption", &all).as_deref(), Some("c"));
        assert_eq!(with("Dynamic", &all[1..]).as_deref(), Some("p"));
        assert_eq!(with("ElasticPremium", &all).as_deref(), Some("m"));
        assert_eq!(with("ElasticPremium", &all[..2]).as_deref(), Some("c"));
        assert_eq!(of(&all[2..]).as_deref(), Some("m"));
        assert_eq!(of(&[]), None);
    }
}
