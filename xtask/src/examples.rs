//! The examples of every language, each against an intake that knows nothing before it: a trace, a metric and a log
//! must arrive.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use crate::http::request;
use crate::library::{CRATE, Stage};
use crate::program::target_folder;
use crate::run::{command, finish, print, root, say, text};
use crate::{csharp, go, setup};

/// One file a language, and what it sends in each of them, of the service `example-<name>`; `examples/README.md` has
/// the same table.
struct Scenario {
    name: &'static str,
    endings: &'static [Ending],
    span: &'static str,
    metric: &'static str,
    log: &'static str,
    /// What else a span says, where there is a libddwaf.
    finding: Option<&'static str>,
}

/// Nothing but a span, a metric and a log, in every language.
const USUAL: Scenario = Scenario {
    name: "",
    endings: &Ending::ALL,
    span: "",
    metric: "",
    log: "",
    finding: None,
};

const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "quickstart",
        span: "order.place",
        metric: "example.quickstart.orders",
        log: "order placed",
        ..USUAL
    },
    Scenario {
        name: "http-service",
        span: "http.request",
        metric: "example.http.requests",
        log: "GET /orders/3 answered 404",
        ..USUAL
    },
    Scenario {
        name: "unix-socket",
        span: "file.read",
        metric: "example.unix_socket.files",
        log: "file read",
        ..USUAL
    },
    Scenario {
        name: "custom-metrics",
        span: "metrics.send",
        metric: "example.custom.orders",
        log: "metrics sent",
        ..USUAL
    },
    Scenario {
        name: "trace-enrichment",
        span: "payment.charge",
        metric: "example.enrichment.declined",
        log: "the card was declined",
        ..USUAL
    },
    Scenario {
        name: "appsec",
        endings: &[Ending::C, Ending::Js, Ending::Py],
        span: "http.request",
        metric: "example.appsec.requests",
        log: "answered 200",
        finding: Some("\"appsec.blocked\":\"true\""),
    },
];

/// A key that the intake takes as any other.
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A language that there are examples in, by the ending of their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ending {
    /// C.
    C,
    /// C#.
    Cs,
    /// Go.
    Go,
    /// Node.js.
    Js,
    /// Python.
    Py,
    /// Rust.
    Rs,
}

impl Ending {
    const ALL: [Self; 6] = [Self::C, Self::Cs, Self::Go, Self::Js, Self::Py, Self::Rs];

    const fn text(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Cs => "cs",
            Self::Go => "go",
            Self::Js => "js",
            Self::Py => "py",
            Self::Rs => "rs",
        }
    }
}

/// Which examples.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The languages, by the endings of their files; all if none is named.
    #[arg(value_enum)]
    endings: Vec<Ending>,
}

/// Runs them.
///
/// # Errors
/// The first that does not compile, fails, or of which something does not arrive.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let endings = match options.endings.as_slice() {
        [] => &Ending::ALL,
        some => some,
    };
    let stage = Stage::start()?;
    let mut count = 0;
    for &ending in endings {
        let prepared = prepare(ending)?;
        for scenario in (SCENARIOS.iter()).filter(|it| it.endings.contains(&ending)) {
            let mut example = example(ending, &prepared, scenario.name, &stage)?;
            request("POST", &format!("{}/inspect/reset", stage.intake()?), b"")?;
            say(&format!("{}.{}", scenario.name, ending.text()));
            let site = stage.intake()?.trim_start_matches("http://").to_owned();
            let furnished = stage
                .furnish(&mut example)?
                .env("DD_API_KEY", KEY)
                .env("DD_SITE", site)
                // A slow machine must not run out of time.
                .env("DD_APPSEC_WAF_TIMEOUT", "10s")
                .env("LD_LIBRARY_PATH", stage.folder()?);
            if let Some(waf) = &stage.waf {
                furnished.env("DD_APPSEC_LIBDDWAF_PATH", waf);
            }
            finish(furnished)?;
            arrived(&stage, scenario)?;
            count += 1;
        }
    }
    stage.end()?;
    let languages = endings.len();
    print(&format!(
        "examples: {count} in {languages} languages, each sent a trace, a metric and a log"
    ));
    Ok(())
}

/// Installs what a language needs; returns what its examples are run with.
fn prepare(ending: Ending) -> anyhow::Result<String> {
    match ending {
        Ending::C | Ending::Rs => Ok(String::new()),
        Ending::Cs => setup::mono()
            .and_then(|()| csharp::package())
            .map(|it| text(&it)),
        Ending::Go => setup::cgo().map(|()| String::new()),
        Ending::Js => node_path(),
        Ending::Py => {
            let python = setup::python(&root().join("python/tests"), "python-venv")?;
            Ok(text(&python))
        }
    }
}

/// The command that runs an example.
fn example(
    ending: Ending,
    prepared: &str,
    scenario: &str,
    stage: &Stage,
) -> anyhow::Result<Command> {
    let folder = root().join("examples");
    let file = folder.join(format!("{scenario}.{}", ending.text()));
    let source = text(&file);
    Ok(match ending {
        Ending::C => command(&folder, &[&compiled(&file, stage)?]),
        Ending::Cs => {
            let program = csharp::program(Path::new(prepared), &file)?;
            command(&folder, &["mono", &text(&program)])
        }
        Ending::Go => {
            let mut run = command(&folder, &["go", "run", &source]);
            go::linked(stage, &mut run)?;
            run
        }
        Ending::Js => {
            let mut run = command(&folder, &["node", &source]);
            run.env("NODE_PATH", prepared);
            run
        }
        Ending::Py => {
            let mut run = command(&folder, &[prepared, &source]);
            run.env("PYTHONPATH", root().join("python/src"));
            run
        }
        Ending::Rs => {
            let words =
                format!("cargo run --quiet --locked --package {CRATE} --example {scenario}");
            command(&root(), &words.split(' ').collect::<Vec<_>>())
        }
    })
}

/// A folder of modules that has the package, as it is in the repository.
fn node_path() -> anyhow::Result<String> {
    let package = root().join("nodejs");
    setup::npm(&package)?;
    let modules = target_folder()?.join("examples-node/node_modules");
    std::fs::create_dir_all(&modules)?;
    let link = modules.join("datadog-agent-native");
    if link.is_symlink() {
        std::fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(package, link)?;
    Ok(text(&modules))
}

/// Compiles an example in C with the warnings that its readers would turn on.
fn compiled(source: &Path, stage: &Stage) -> anyhow::Result<String> {
    let folder = stage.folder()?;
    let program = text(
        &folder
            .join("examples")
            .join(source.file_stem().unwrap_or_default()),
    );
    std::fs::create_dir_all(folder.join("examples"))?;
    let (include, library) = (
        format!(
            "-I{}",
            root().join("crates/datadog-agent-native/include").display()
        ),
        format!("-L{}", folder.display()),
    );
    let words = [
        "cc",
        "-std=gnu11",
        "-Wall",
        "-Wextra",
        "-Wno-unused-function",
        "-Werror",
        &include,
        &text(source),
        &library,
        "-ldatadog_agent_native",
        "-o",
        &program,
    ];
    say(&words.join(" "));
    finish(&mut command(&root(), &words))?;
    Ok(program)
}

/// Looks at what the intake has of an example.
fn arrived(stage: &Stage, scenario: &Scenario) -> anyhow::Result<()> {
    let service = format!("example-{}", scenario.name);
    let finding = scenario.finding.filter(|_| stage.waf.is_some());
    let wanted = [
        ("traces", scenario.span),
        ("series", scenario.metric),
        ("logs", scenario.log),
    ];
    let finding = finding.map(|finding| ("traces", finding));
    for (kind, what) in wanted.into_iter().chain(finding) {
        let (_, records) = request("GET", &format!("{}/inspect/{kind}", stage.intake()?), b"")?;
        let is_there = records
            .lines()
            .any(|record| record.contains(what) && record.contains(&service));
        ensure!(
            is_there,
            "{}: no {what:?} of {service} among the {kind} that arrived:\n{records}",
            scenario.name
        );
    }
    Ok(())
}
