//! Writes `docs/configuration.md` from the table.

use crate::table::{self, Class, Default, Key, PLATFORM_INPUTS, Subject};

/// What stands before the tables.
const INTRODUCTION: &str = include_str!("document/introduction.md");

/// The documentation of every key, as Markdown.
#[must_use]
pub fn render_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for subject in table::subjects() {
        page.push_str(&rendered_subject(subject));
    }
    page.push_str(&rendered_platform_inputs());
    page
}

fn rendered_subject(subject: &Subject) -> String {
    let mut text = format!(
        "\n## {}\n\n{}\n\n\
         | Key and variables | Type | Default | Malformed | Meaning |\n\
         |---|---|---|---|---|\n",
        subject.title, subject.doc
    );
    for key in subject.keys {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            names(key),
            key.grammar(),
            default(key),
            malformed(key.class),
            meaning(key)
        ));
    }
    text
}

fn names(key: &Key) -> String {
    let mut names = format!("`{}`", key.name);
    for variable in key.env {
        names.push_str(&format!("<br>`{variable}`"));
    }
    for path in key.yaml {
        names.push_str(&format!("<br>`{path}` in YAML"));
    }
    for variable in key.deprecated {
        names.push_str(&format!("<br>`{variable}` (deprecated)"));
    }
    names
}

fn default(key: &Key) -> String {
    match key.default {
        Default::Unset => "–".to_owned(),
        Default::Text("") => "empty".to_owned(),
        Default::Text(text) => format!("`{text}`"),
        Default::Described(what) => what.to_owned(),
        Default::Like(other) => format!("that of `{other}`"),
        Default::ByProfile {
            standalone,
            embedded,
            serverless,
            lambda,
        } => {
            let mut text = format!("`{standalone}`");
            for (value, profile) in [
                (embedded, "embedded"),
                (serverless, "serverless"),
                (lambda, "in Lambda"),
            ] {
                if value != standalone {
                    text.push_str(&format!("; `{value}` {profile}"));
                }
            }
            text
        }
    }
}

const fn malformed(class: Class) -> &'static str {
    match class {
        Class::Fatal => "refused",
        Class::Security => "refused (protection)",
        Class::Warn => "warning",
        Class::Free => "–",
    }
}

fn meaning(key: &Key) -> String {
    let doc = key.doc.replace('|', "\\|");
    if let Some(feature) = key.pipeline.feature() {
        format!("{doc} *Only in builds with the feature `{feature}`.*")
    } else if key.pipeline.available() {
        doc
    } else {
        format!("{doc} *Not in this build yet: {}.*", key.pipeline.label())
    }
}

fn rendered_platform_inputs() -> String {
    let mut text = "\n## Variables of the platform\n\n\
        These are set by the platform, and only read to learn where the agent runs.\n\
        They have no YAML key.\n\
        `DATADOG_AGENT_NATIVE_LIBRARY_PATH` is no setting of the agent either: it tells the bindings where its library is.\n\n"
        .to_owned();
    for variable in PLATFORM_INPUTS {
        text.push_str(&format!("- `{variable}`\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_page_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = render_markdown();
        #[allow(
            clippy::disallowed_methods,
            reason = "asks whether to rewrite the page, which is no setting of the agent"
        )]
        let rewrites = std::env::var_os("UPDATE_DOCS").is_some();
        if rewrites {
            std::fs::write(path, &page).expect("docs can be written");
        }
        let checked_in = std::fs::read_to_string(path).expect("docs can be read");
        assert!(
            checked_in == page,
            "docs/configuration.md is out of date; run this test with UPDATE_DOCS=1"
        );
    }

    #[test]
    fn every_key_and_variable_is_on_the_page() {
        let page = render_markdown();
        for key in table::keys() {
            assert!(page.contains(&format!("`{}`", key.name)), "{}", key.name);
            for variable in key.env.iter().chain(key.deprecated) {
                assert!(page.contains(&format!("`{variable}`")), "{variable}");
            }
        }
    }

    #[test]
    fn rows_have_five_columns() {
        for row in render_markdown()
            .lines()
            .filter(|line| line.starts_with("| `"))
        {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 6, "{row}");
        }
    }
}
