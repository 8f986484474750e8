//! Where a program that runs beside functions is: on one platform, or it must not go on.
//!
//! Pure: it looks at what the configuration read from the environment, and at nothing else.

use std::fmt;

use super::Platform;
use crate::config::{Config, PlatformInputs, Value};

/// A platform, and what runs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The platform.
    pub platform: Platform,
    /// The name of the function, service or app; empty where a platform was forced and does not say.
    pub name: String,
}

/// Why there is no telling where this is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDetected {
    /// No platform has set its variables.
    #[error(
        "no serverless platform is detected{}: set DD_SERVERLESS_PLATFORM to one, or to none to run without",
        .lambda_without_name.then_some(" (AWS_LAMBDA_FUNCTION_NAME is not set)").unwrap_or_default()
    )]
    None {
        /// Whether it looks like Lambda, but for the name of the function.
        lambda_without_name: bool,
    },
    /// Several platforms have.
    #[error("several serverless platforms are detected, {}: set DD_SERVERLESS_PLATFORM to one of them", Names(.0))]
    Several(Vec<Platform>),
}

/// Where this is; `None` if the configuration says that it is nowhere.
///
/// # Errors
/// When no platform is found, or more than one, and the configuration names none.
pub fn detect(config: &Config) -> Result<Option<Place>, NotDetected> {
    let inputs = &config.platform_inputs;
    if let Some(Value::Text(chosen)) = config.value("serverless_platform") {
        return Ok(Platform::named(chosen).map(|platform| Place {
            platform,
            name: name(platform, inputs).unwrap_or_default().to_owned(),
        }));
    }
    let found: Vec<Platform> = Platform::all_of(inputs).collect();
    match found[..] {
        [] => Err(NotDetected::None {
            lambda_without_name: inputs.get("AWS_LAMBDA_INITIALIZATION_TYPE").is_some(),
        }),
        [platform] => Ok(Some(Place {
            platform,
            name: name(platform, inputs).unwrap_or_default().to_owned(),
        })),
        _ => Err(NotDetected::Several(found)),
    }
}

fn name(platform: Platform, inputs: &PlatformInputs) -> Option<&str> {
    match platform {
        Platform::Lambda => inputs.get("AWS_LAMBDA_FUNCTION_NAME"),
        Platform::AzureFunctions => inputs.get("WEBSITE_SITE_NAME"),
        Platform::GoogleFunctions if inputs.get("FUNCTION_TARGET").is_none() => {
            inputs.get("FUNCTION_NAME")
        }
        Platform::GoogleFunctions | Platform::CloudRun => inputs.get("K_SERVICE"),
        Platform::AzureSpring => inputs.get("ASCSVCRT_SPRING__APPLICATION__NAME"),
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lambda => "AWS Lambda",
            Self::AzureFunctions => "Azure Functions",
            Self::GoogleFunctions => "Google Cloud Functions",
            Self::CloudRun => "Google Cloud Run",
            Self::AzureSpring => "Azure Spring Apps",
        })
    }
}

struct Names<'a>(&'a [Platform]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Place>, NotDetected> {
        let config = Config::builder()
            .profile(Profile::Serverless)
            .with_env_iter(variables.iter().copied())
            .build_with_issues();
        detect(&config)
    }

    fn place(platform: Platform, name: &str) -> Result<Option<Place>, NotDetected> {
        let name = name.to_owned();
        Ok(Some(Place { platform, name }))
    }

    #[test]
    fn each_platform_is_known_with_the_name_of_what_runs_there() {
        let lambda = [
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
        ];
        assert_eq!(of(&lambda), place(Platform::Lambda, "orders"));
        let azure = [
            ("FUNCTIONS_EXTENSION_VERSION", "~4"),
            ("FUNCTIONS_WORKER_RUNTIME", "node"),
            ("WEBSITE_SITE_NAME", "shop"),
        ];
        assert_eq!(of(&azure), place(Platform::AzureFunctions, "shop"));
        let newer = [("K_SERVICE", "service"), ("FUNCTION_TARGET", "entry")];
        assert_eq!(of(&newer), place(Platform::GoogleFunctions, "service"));
        let older = [("FUNCTION_NAME", "function"), ("GCP_PROJECT", "p")];
        assert_eq!(of(&older), place(Platform::GoogleFunctions, "function"));
        let spring = [("ASCSVCRT_SPRING__APPLICATION__NAME", "app")];
        assert_eq!(of(&spring), place(Platform::AzureSpring, "app"));
        assert_eq!(of(&newer[..1]), place(Platform::CloudRun, "service"));
    }

    #[test]
    fn several_platforms_are_an_error_that_names_them() {
        let error = of(&[
            ("K_SERVICE", "s"),
            ("FUNCTION_TARGET", "f"),
            ("ASCSVCRT_SPRING__APPLICATION__NAME", "a"),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "several serverless platforms are detected, Google Cloud Functions and Azure Spring Apps: \
             set DD_SERVERLESS_PLATFORM to one of them"
        );
    }

    #[test]
    fn no_platform_is_an_error_and_lambda_without_a_function_is_none() {
        assert_eq!(
            of(&[]).unwrap_err().to_string(),
            "no serverless platform is detected: set DD_SERVERLESS_PLATFORM to one, or to none to run without"
        );
        let text = of(&[("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")])
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with(
                "no serverless platform is detected (AWS_LAMBDA_FUNCTION_NAME is not set): "
            ),
            "{text}"
        );
    }

    #[test]
    fn what_is_forced_is_not_looked_for() {
        let spring = ("ASCSVCRT_SPRING__APPLICATION__NAME", "a");
        assert_eq!(
            of(&[spring, ("DD_SERVERLESS_PLATFORM", "google_functions")]),
            place(Platform::GoogleFunctions, "")
        );
        assert_eq!(of(&[spring, ("DD_SERVERLESS_PLATFORM", "none")]), Ok(None));
    }
}
