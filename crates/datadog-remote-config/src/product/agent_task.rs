//! `AGENT_TASK`: things that somebody asks an agent to do once, such as to send a flare. This one does none of them, and
//! says so, so that nobody waits.

use serde::Deserialize;

use crate::consumer::ConfigFile;

/// The name of the product.
pub const PRODUCT: &str = "AGENT_TASK";
/// Bytes of the name of a task that an answer repeats.
const MAX_NAME: usize = 64;

#[derive(Deserialize)]
struct Task {
    task_type: Option<String>,
}

/// Why a task is not done.
#[must_use]
pub fn refusal(file: &ConfigFile) -> String {
    match serde_json::from_slice::<Task>(&file.raw) {
        Ok(task) => {
            let name = task.task_type.unwrap_or_default();
            let name: String = name.chars().take(MAX_NAME).collect();
            format!("unsupported: this agent does no task '{name}'")
        }
        Err(error) => format!("the task cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_refused_by_its_name() {
        let refused = |text: &'static str| {
            refusal(&ConfigFile {
                path: "datadog/2/AGENT_TASK/a/config".to_owned(),
                product: PRODUCT.to_owned(),
                config_id: "a".to_owned(),
                name: "config".to_owned(),
                version: 1,
                raw: text.into(),
            })
        };
        let flare = r#"{"task_type":"flare","uuid":"u","args":{"case_id":"1"}}"#;
        assert_eq!(
            refused(flare),
            "unsupported: this agent does no task 'flare'"
        );
        assert!(refused("{").starts_with("the task cannot be read: "));
    }
}
