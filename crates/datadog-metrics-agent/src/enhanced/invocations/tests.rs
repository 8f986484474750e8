//! What is said of the events of made-up functions.

use super::*;

fn on_demand() -> Memory {
    Memory::new(Architecture::X86_64, Billing::OnDemand)
}

/// Names and values of what is said, each with the tags behind it.
fn said(memory: &mut Memory, event: &Event<'_>) -> Vec<String> {
    let text = memory.take(event, 1_700_000_000).text;
    let line = |line: &str| {
        let rest = line.strip_prefix("aws.lambda.enhanced.").unwrap();
        let (value, tags) = rest.split_once("|d|T1700000000").unwrap();
        format!("{value}{}", tags.replace("|#", " "))
    };
    text.lines().map(line).collect()
}

fn done(request_id: &str, status: Status) -> Event<'_> {
    Event::RuntimeDone {
        request_id,
        status,
        duration_ms: Some(90.25),
        produced_bytes: Some(24),
        error_type: None,
    }
}

fn report(request_id: &str, max_memory_used_mb: u64) -> Event<'_> {
    Event::Report(Report {
        request_id,
        duration_ms: 100.5,
        billed_duration_ms: 1_000.0,
        memory_size_mb: 1_024,
        max_memory_used_mb,
    })
}

#[test]
fn a_cold_invocation_from_its_start_to_its_report() {
    let mut memory = on_demand();
    let init = Event::Initialized {
        duration_ms: 250.0,
        init_type: "on-demand",
    };
    assert_eq!(
        said(&mut memory, &init),
        ["init_duration:0.25 init_type:on-demand"]
    );
    let start = Start::Cold;
    let tags = "cold_start:true,init_type:on-demand";
    let all =
        |lines: &[&str]| -> Vec<_> { lines.iter().map(|it| format!("{it} {tags}")).collect() };
    assert_eq!(
        said(&mut memory, &Event::Invoked { start }),
        all(&["invocations:1"])
    );
    assert_eq!(
        said(&mut memory, &done("a", Status::Success)),
        all(&["runtime_duration:90.25", "produced_bytes:24"])
    );
    assert_eq!(
        said(&mut memory, &report("a", 128)),
        all(&[
            "duration:0.1005",
            "post_runtime_duration:10.25",
            "billed_duration:1",
            "max_memory_used:128",
            "memorysize:1024",
            "estimated_cost:0.0000168667",
        ])
    );
}

#[test]
fn tags_say_what_the_last_invocation_found() {
    let mut memory = on_demand();
    for (start, tags) in [
        (
            Start::Proactive,
            "cold_start:false,proactive_initialization:true",
        ),
        (Start::Warm, "cold_start:false"),
        (Start::Cold, "cold_start:true"),
    ] {
        let found = said(&mut memory, &Event::Invoked { start });
        assert_eq!(found, [format!("invocations:1 {tags}")]);
    }
}

#[test]
fn an_invocation_that_does_not_succeed_is_an_error_and_may_be_a_timeout() {
    let names = |status| -> Vec<String> {
        let found = said(&mut on_demand(), &done("a", status));
        found.into_iter().skip(2).collect()
    };
    assert_eq!(names(Status::Success), [""; 0]);
    assert_eq!(names(Status::Error), ["errors:1"]);
    assert_eq!(names(Status::Failure), ["errors:1"]);
    assert_eq!(names(Status::Timeout), ["errors:1", "timeouts:1"]);
}

#[test]
fn memory_that_runs_out_is_told_once_for_a_request_however_it_shows() {
    let has_run_out = |memory: &mut Memory, event: &Event<'_>| {
        let found = said(memory, event);
        found.iter().filter(|it| *it == "out_of_memory:1").count()
    };
    let by_error = |request_id| Event::RuntimeDone {
        request_id,
        status: Status::Error,
        duration_ms: None,
        produced_bytes: None,
        error_type: Some("Runtime.OutOfMemory"),
    };
    let by_log = |request_id| Event::OutOfMemory { request_id };
    let mut memory = on_demand();
    assert_eq!(has_run_out(&mut memory, &by_log("a")), 1);
    assert_eq!(has_run_out(&mut memory, &by_error("a")), 0);
    assert_eq!(has_run_out(&mut memory, &report("a", 1_024)), 0);
    assert_eq!(has_run_out(&mut memory, &by_log("a")), 0);
    assert_eq!(has_run_out(&mut memory, &by_error("b")), 1);
    assert_eq!(has_run_out(&mut memory, &report("c", 1_023)), 0);
    assert_eq!(has_run_out(&mut memory, &report("d", 1_024)), 1);
}

#[test]
fn a_managed_instance_is_not_billed_by_invocation() {
    let mut memory = Memory::new(Architecture::Arm64, Billing::ManagedInstance);
    assert_eq!(said(&mut memory, &report("a", 1_024)), ["duration:0.1005"]);
}

#[test]
fn an_environment_ends_unused_if_nothing_was_invoked() {
    let mut memory = on_demand();
    assert_eq!(
        said(&mut memory, &Event::Shutdown),
        ["shutdowns:1", "unused_init:1"]
    );
    let start = Start::Warm;
    said(&mut memory, &Event::Invoked { start });
    assert_eq!(
        said(&mut memory, &Event::Shutdown),
        ["shutdowns:1 cold_start:false"]
    );
}

#[test]
fn a_snapshot_says_how_long_it_took() {
    let event = Event::Restored { duration_ms: 500.0 };
    assert_eq!(
        said(&mut on_demand(), &event),
        ["snapstart_restore_duration:0.5"]
    );
}

#[test]
fn the_cost_is_rounded_and_depends_on_the_processor() {
    assert_eq!(cost(Architecture::X86_64, 1_000.0, 1_024), 0.000_016_866_7);
    assert_eq!(cost(Architecture::Arm64, 1_000.0, 1_024), 0.000_013_533_4);
    assert_eq!(cost(Architecture::X86_64, 1.0, 128), 0.000_000_202_083);
}

#[test]
fn the_oldest_requests_are_forgotten_and_ids_are_cut() {
    let mut memory = on_demand();
    for number in 0..MAX_REQUESTS * 2 {
        said(&mut memory, &done(&number.to_string(), Status::Success));
    }
    assert_eq!(memory.requests.len(), MAX_REQUESTS);
    assert_eq!(memory.requests[0].id, MAX_REQUESTS.to_string());
    said(&mut memory, &done(&"é".repeat(1_000), Status::Success));
    assert!(memory.requests.iter().all(|it| it.id.len() <= ID_BYTES));
}
