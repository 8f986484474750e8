//! The firewall: what a request costs in the process that asks, and what a server under load makes of it.
//!
//! Both need the library and the recommended rules; obtains them, and skips with a word where there are none for this
//! machine.

use super::{Options, target};
use crate::run::say;
use crate::waf;

/// The bench targets, by what the names of their figures begin with.
const TARGETS: [(&str, &str, &str, &[&str]); 2] = [
    ("appsec_evaluate", "datadog-appsec", "evaluate", &[]),
    (
        "appsec_http",
        "datadog-agent-native",
        "appsec_http",
        &["--features", "appsec"],
    ),
];

/// Runs those that are asked for.
///
/// # Errors
/// When one cannot be built or run, or the server let an attack through or refused another request.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let Some(library) = waf::library()? else {
        say("skipping the firewall: there is no library for this machine");
        return Ok(());
    };
    let variables = [("DD_APPSEC_LIBDDWAF_PATH", library.as_path())];
    for (figures, package, bench, more) in TARGETS {
        if options.wants(figures) {
            say(&format!("cargo bench --package {package} --bench {bench}"));
            target(package, bench, more, &variables, options)?;
        }
    }
    Ok(())
}
