//! `APM_SAMPLING`: how much the samplers of traces want, for one environment or for all.

use serde::Deserialize;

use crate::consumer::ConfigFile;

/// The name of the product.
pub const PRODUCT: &str = "APM_SAMPLING";

/// What the samplers are to want; `None` is what they want by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Sampling {
    /// Traces a second.
    #[serde(alias = "PrioritySamplerTargetTPS")]
    pub priority_sampler_target_tps: Option<f64>,
    /// Traces with errors a second, beyond those.
    #[serde(alias = "ErrorsSamplerTargetTPS")]
    pub errors_sampler_target_tps: Option<f64>,
    /// Whether traces with spans of a rare kind are kept.
    #[serde(alias = "RareSamplerEnabled")]
    pub rare_sampler_enabled: Option<bool>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(alias = "ByEnv")]
    by_env: Option<Vec<ByEnv>>,
    #[serde(alias = "AllEnvs")]
    all_envs: Option<Sampling>,
}

#[derive(Deserialize)]
struct ByEnv {
    #[serde(alias = "Env")]
    env: Option<String>,
    #[serde(alias = "Config")]
    config: Option<Sampling>,
}

/// What the files want in an environment; `None` if there is no file, which changes nothing.
///
/// # Errors
/// When there is more than one file, or it cannot be read.
pub fn read(files: &[ConfigFile], env: &str) -> Result<Option<Sampling>, String> {
    let file = match files {
        [] => return Ok(None),
        [file] => file,
        more => return Err(format!("{} files where one is allowed", more.len())),
    };
    let document: Document =
        serde_json::from_slice(&file.raw).map_err(|error| error.to_string())?;
    let by_env = document.by_env.unwrap_or_default();
    let mut of_env = by_env.iter().filter(|it| it.env.as_deref() == Some(env));
    let own = of_env.next().and_then(|it| it.config).unwrap_or_default();
    let all = document.all_envs.unwrap_or_default();
    let rate = |own: Option<f64>, all: Option<f64>| match own.or(all) {
        Some(rate) if !rate.is_finite() || rate < 0.0 => Err(format!("{rate} is no rate")),
        rate => Ok(rate),
    };
    Ok(Some(Sampling {
        priority_sampler_target_tps: rate(
            own.priority_sampler_target_tps,
            all.priority_sampler_target_tps,
        )?,
        errors_sampler_target_tps: rate(
            own.errors_sampler_target_tps,
            all.errors_sampler_target_tps,
        )?,
        rare_sampler_enabled: own.rare_sampler_enabled.or(all.rare_sampler_enabled),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ConfigFile {
        ConfigFile {
            path: "datadog/2/APM_SAMPLING/a/config".to_owned(),
            product: PRODUCT.to_owned(),
            config_id: "a".to_owned(),
            name: "config".to_owned(),
            version: 1,
            raw: text.to_owned().into(),
        }
    }

    fn triple(text: &str, env: &str) -> (Option<f64>, Option<f64>, Option<bool>) {
        let sampling = read(&[file(text)], env).unwrap().unwrap();
        (
            sampling.priority_sampler_target_tps,
            sampling.errors_sampler_target_tps,
            sampling.rare_sampler_enabled,
        )
    }

    #[test]
    fn each_value_is_of_the_environment_else_of_all() {
        let text = r#"{"by_env":[{"env":"prod","config":{"priority_sampler_target_tps":5}}],
            "all_envs":{"priority_sampler_target_tps":1.5,"errors_sampler_target_tps":0,"rare_sampler_enabled":true}}"#;
        assert_eq!(triple(text, "prod"), (Some(5.0), Some(0.0), Some(true)));
        assert_eq!(triple(text, "dev"), (Some(1.5), Some(0.0), Some(true)));
        assert_eq!(triple("{}", "dev"), (None, None, None));
        assert_eq!(
            triple(r#"{"by_env":null,"all_envs":null}"#, "dev"),
            (None, None, None)
        );
        let other = r#"{"ByEnv":[],"AllEnvs":{"PrioritySamplerTargetTPS":2}}"#;
        assert_eq!(triple(other, "dev"), (Some(2.0), None, None));
    }

    #[test]
    fn no_file_changes_nothing_and_two_are_too_many() {
        assert_eq!(read(&[], "prod"), Ok(None));
        let error = read(&[file("{}"), file("{}")], "prod").unwrap_err();
        assert_eq!(error, "2 files where one is allowed");
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        assert!(read(&[file("{")], "prod").is_err());
        let negative = r#"{"all_envs":{"errors_sampler_target_tps":-1}}"#;
        assert_eq!(
            read(&[file(negative)], "prod"),
            Err("-1 is no rate".to_owned())
        );
    }
}
