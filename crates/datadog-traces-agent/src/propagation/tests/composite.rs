//! Several styles at once.

use super::*;

const PARENT: &str = "00-00000000000000010000000000000002-0000000000000003-01";

#[test]
fn the_first_style_counts_and_another_trace_is_a_link() {
    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "a=b"),
        ("x-datadog-trace-id", "9"),
        ("x-datadog-parent-id", "8"),
    ];
    let found = extract(&[Style::Datadog, Style::TraceContext], &headers).unwrap();
    assert_eq!((found.trace_id, found.span_id), (9, 8));
    let [link] = found.links.as_slice() else {
        panic!("{:?}", found.links);
    };
    assert_eq!(
        (link.trace_id, link.trace_id_high, link.span_id, link.flags),
        (2, 1, 3, 1)
    );
    assert_eq!(link.tracestate, "a=b");
    let attributes: Vec<_> = link
        .attributes
        .iter()
        .map(|(key, value)| (key.as_ref(), value.as_ref()))
        .collect();
    assert_eq!(
        attributes,
        [
            ("reason", "terminated_context"),
            ("context_headers", "tracecontext")
        ]
    );
    let found = extract(&[Style::TraceContext, Style::Datadog], &headers).unwrap();
    assert_eq!((found.trace_id, found.span_id), (2, 3));
    assert_eq!(found.links[0].trace_id, 9);
    assert_eq!(
        found.links[0].attributes.get("context_headers").unwrap(),
        "datadog"
    );
}

#[test]
fn styles_that_find_nothing_do_not_shift_the_names_of_others() {
    let headers = [
        ("traceparent", PARENT),
        ("x-datadog-trace-id", "9"),
        ("x-datadog-parent-id", "8"),
    ];
    let styles = [
        Style::B3,
        Style::Datadog,
        Style::B3Multi,
        Style::TraceContext,
    ];
    let found = extract(&styles, &headers).unwrap();
    assert_eq!(
        found.links[0].attributes.get("context_headers").unwrap(),
        "tracecontext"
    );
}

#[test]
fn a_context_without_a_span_is_no_link() {
    let headers = [("traceparent", PARENT), ("x-datadog-trace-id", "9")];
    let found = extract(&[Style::TraceContext, Style::Datadog], &headers).unwrap();
    assert_eq!(found.links, []);
}

#[test]
fn only_the_first_context_is_looked_at_when_asked() {
    let headers = vec![("traceparent", PARENT), ("x-datadog-trace-id", "9")];
    let propagator = Propagator::new(Config {
        extract_first: true,
        ..Config::default()
    });
    let found = propagator.extract(&headers).unwrap();
    assert_eq!((found.trace_id, found.links.len()), (9, 0));
}

#[test]
fn the_trace_context_adds_to_datadogs_headers_of_the_same_trace() {
    let with = |parent_id, state| {
        let headers = [
            ("x-datadog-trace-id", "2"),
            ("x-datadog-parent-id", parent_id),
            ("x-datadog-tags", "_dd.p.tid=0000000000000001"),
            ("traceparent", PARENT),
            ("tracestate", state),
        ];
        extract(&[Style::Datadog, Style::TraceContext], &headers).unwrap()
    };
    let same = with("3", "dd=s:1,a=b");
    assert_eq!((same.span_id, priority(&same)), (3, Some(2)));
    assert_eq!(same.tags["tracestate"], "dd=s:1,a=b");
    assert!(!same.tags.contains_key("_dd.parent_id"));
    let known = with("4", "dd=p:00000000000000ff");
    assert_eq!(known.span_id, 3);
    assert_eq!(known.tags["_dd.parent_id"], "00000000000000ff");
    let unknown = with("4", "a=b");
    assert_eq!(unknown.span_id, 3);
    assert_eq!(unknown.tags["_dd.parent_id"], "0000000000000004");
    assert_eq!(unknown.links, []);
}

#[test]
fn traces_whose_upper_halves_differ_are_two() {
    let headers = [
        ("x-datadog-trace-id", "2"),
        ("x-datadog-parent-id", "4"),
        ("x-datadog-tags", "_dd.p.tid=00000000000000ff"),
        ("traceparent", PARENT),
    ];
    let found = extract(&[Style::Datadog, Style::TraceContext], &headers).unwrap();
    assert_eq!((found.span_id, found.links.len()), (4, 1));
}

#[test]
fn nothing_is_written_of_a_context_without_ids() {
    for (trace_id, span_id) in [(0, 1), (1, 0)] {
        let mut own = context(trace_id, Some(1));
        own.span_id = span_id;
        assert_eq!(inject(&STYLES, &mut own).0, []);
    }
}
