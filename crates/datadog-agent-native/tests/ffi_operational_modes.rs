//! Programs of C against the library as it is given out, with a real intake at the other end.
//!
//! The programs in `tests/c` check what C sees; here is what compiles them in every language standard that the header
//! promises, runs them, and looks at what arrived. Under valgrind they run when asked for, which is slow.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends with the error that it met"
)]

#[path = "c/harness.rs"]
mod harness;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use datadog_dev_intake::Intake;
use harness::{C11, C99, CPP, Program, Runner, compile, example, library, repository};

/// The traces path of the intake.
const TRACES: &str = "/api/v0.2/traces";

/// Compiles a program in every standard, and runs it in C11 and C++.
async fn check(name: &str) {
    let intake = Intake::start().await;
    compile(name, &C99);
    for standard in [&C11, &CPP] {
        compile(name, standard).run(&intake, Runner::Plain).await;
    }
}

macro_rules! programs {
    ($($sentence:ident: $name:literal,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $sentence() {
                check($name).await;
            }
        )*

        /// The same programs, which must not leak nor touch what is not theirs.
        mod under_valgrind {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread")]
                #[ignore = "takes minutes and needs valgrind: `cargo xtask capi` runs it"]
                async fn $sentence() {
                    let intake = Intake::start().await;
                    compile($name, &C99).run(&intake, Runner::Valgrind).await;
                }
            )*
        }
    };
}

programs! {
    structs_have_the_layout_that_bindings_have_written_down: "layout",
    what_cannot_be_started_is_refused_with_code_and_text: "refusals",
    ports_are_bound_when_a_start_returns: "ports",
    unix_sockets_have_their_mode_and_give_way_only_when_dead: "unix_socket",
    who_waits_is_woken_from_any_thread: "waiting",
    signals_are_taken_while_somebody_waits_and_given_back: "signals",
    panics_become_codes_and_the_host_lives: "panics",
    a_forked_child_has_no_agent_and_may_start_one: "forks",
    log_lines_go_to_the_callback_of_their_agent: "logging",
    starting_and_stopping_leaves_nothing_behind: "cycles",
    nothing_is_taken_from_the_host: "manners",
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_delivered_before_a_stop_returns() {
    compile("delivery", &C99);
    for standard in [&C11, &CPP] {
        let intake = Intake::start().await;
        delivery(&compile("delivery", standard), &intake, Runner::Plain).await;
    }
}

/// What the firewall of this build can: each with what the program is told, and where libddwaf is. The real one is among
/// them where `DD_APPSEC_LIBDDWAF_PATH` names it while this is compiled.
fn firewalls() -> Vec<[(&'static str, &'static str); 3]> {
    const PATH: &str = "DD_APPSEC_LIBDDWAF_PATH";
    // A slow machine must not run out of time.
    const TIME: (&str, &str) = ("DD_APPSEC_WAF_TIMEOUT", "60s");
    if !cfg!(feature = "appsec") {
        return vec![[("FIREWALL", "absent"), (PATH, ""), TIME]];
    }
    let failed = [("FIREWALL", "failed"), (PATH, "/nowhere/libddwaf.so"), TIME];
    let works = option_env!("DD_APPSEC_LIBDDWAF_PATH")
        .filter(|path| !path.is_empty())
        .map(|path| [("FIREWALL", "works"), (PATH, path), TIME]);
    std::iter::once(failed).chain(works).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_judged_where_there_is_a_firewall_and_refused_elsewhere() {
    compile("firewall", &C99);
    for standard in [&C11, &CPP] {
        let program = compile("firewall", standard);
        for variables in firewalls() {
            let intake = Intake::start().await;
            program.run_with(&intake, Runner::Plain, &variables).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and needs valgrind: `cargo xtask capi` runs it"]
async fn requests_are_judged_under_valgrind() {
    let program = compile("firewall", &C99);
    for variables in firewalls() {
        let intake = Intake::start().await;
        program
            .run_with(&intake, Runner::Valgrind, &variables)
            .await;
    }
}

/// Runs the program, and looks at what arrived.
async fn delivery(program: &Program, intake: &Intake, runner: Runner) {
    program.run(intake, runner).await;
    let traces = intake.traces();
    let of = |service: &str| {
        let spans = traces.iter().flat_map(|trace| trace.spans());
        spans.filter(|span| span.service == service).count()
    };
    assert_eq!((of("posted"), of("handed")), (100, 3));
    assert_eq!(intake.messages(), ["first", "second", "third"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_intake_never_takes_is_counted_in_time() {
    compile("hanging", &C99);
    for standard in [&C11, &CPP] {
        let intake = Intake::start().await;
        intake.on(TRACES).hang();
        compile("hanging", standard)
            .run(&intake, Runner::Plain)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_readme_starts_waits_and_stops() {
    // Whoever else has the port on this machine, the example must say so.
    let own = TcpListener::bind(("127.0.0.1", 8126));
    for standard in [&C99, &C11] {
        let refused = example(standard).command().output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.ends_with("Failed to start Datadog agent: 5\n"),
            "{said}"
        );
    }
    if own.is_err() {
        return;
    }
    drop(own);
    for (signal, reason) in [("TERM", 0), ("INT", 1)] {
        let program = example(&C11);
        let mut command = program.command();
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = piped.spawn().unwrap();
        harness::signal_once_it_waits(child.id(), signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{:?}",
            output.status.signal()
        );
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            format!(
                "Agent started successfully!\nVersion: {version}\nBound port: 8126\nShutdown reason: {reason}\n"
            )
        );
    }
}

#[test]
fn the_readme_shows_the_example_that_is_tested() {
    let readme = fs::read_to_string(repository().join("crates/datadog-agent-native/README.md"));
    let example = fs::read_to_string(repository().join("examples/basic.c")).unwrap();
    assert!(readme.unwrap().contains(&format!("```c\n{example}```\n")));
}

#[test]
fn exactly_what_the_header_declares_is_exported() {
    let header = fs::read_to_string(harness::include().join("datadog_agent_native.h")).unwrap();
    let code = header.lines().filter(|line| !line.starts_with("//"));
    let declared: BTreeSet<String> = code
        .filter_map(|line| line.split_once('('))
        .filter_map(|(before, _)| before.split([' ', '*']).next_back())
        .filter(|name| name.starts_with("datadog_"))
        .map(str::to_owned)
        .collect();
    assert!(declared.contains("datadog_agent_start"));
    let exported = harness::output("nm", &["-D", "--defined-only"], &library());
    let mut exported: BTreeSet<String> = exported
        .lines()
        .filter_map(|line| line.split_whitespace().next_back())
        .map(str::to_owned)
        .collect();
    // The library that tests are built with has a function more.
    assert!(exported.remove("datadog_agent_test_panic"));
    assert_eq!(exported, declared);
}

#[test]
fn the_library_has_a_name_and_stays_loaded() {
    let dynamic = harness::output("readelf", &["--dynamic", "--wide"], &library());
    assert!(dynamic.contains("Library soname: [libdatadog_agent_native.so]"));
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

#[test]
fn the_static_library_links_with_what_the_system_has() {
    let program = harness::compile_static("layout");
    assert!(program.command().status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and needs valgrind: `cargo xtask capi` runs it"]
async fn what_was_taken_is_delivered_under_valgrind() {
    let intake = Intake::start().await;
    delivery(&compile("delivery", &C99), &intake, Runner::Valgrind).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and needs valgrind: `cargo xtask capi` runs it"]
async fn what_an_intake_never_takes_is_counted_under_valgrind() {
    let intake = Intake::start().await;
    intake.on(TRACES).hang();
    let program = compile("hanging", &C99);
    program.run(&intake, Runner::Valgrind).await;
}
