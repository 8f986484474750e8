//! The trace context, and Datadog's member of its state.

use super::*;

const PARENT: &str = "00-80f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-01";

#[test]
fn ids_and_datadogs_member_are_read() {
    let state = "a=b,dd=p:00f067aa0ba902b7;s:2;o:rum;t.dm:-4;t.x:a~b:c";
    let found = extract(
        &[Style::TraceContext],
        &[("traceparent", PARENT), ("tracestate", state)],
    )
    .unwrap();
    assert_eq!(found.trace_id, 7_277_407_061_855_694_839);
    assert_eq!(found.span_id, 67_667_974_448_284_343);
    assert_eq!(
        found.sampling,
        Some(Sampling {
            priority: 2,
            mechanism: Some(4)
        })
    );
    assert_eq!(found.origin.as_deref(), Some("rum"));
    assert_eq!(
        tags(&found),
        [
            ("_dd.p.dm", "-4"),
            ("_dd.p.tid", "80f198ee56343ba8"),
            ("_dd.p.x", "a=b:c"),
            ("_dd.parent_id", "00f067aa0ba902b7"),
            ("traceparent", PARENT),
            ("tracestate", state),
        ]
    );
}

#[test]
fn the_priority_must_agree_with_the_flag() {
    for (flags, state, expect) in [
        ("01", "dd=s:2", 2),
        ("01", "dd=s:0", 1),
        ("01", "dd=s:-1", 1),
        ("01", "dd=s:x", 1),
        ("01", "other=s:2", 1),
        ("03", "dd=s:2", 2),
        ("00", "dd=s:2", 0),
        ("00", "dd=s:0", 0),
        ("00", "dd=s:-1", -1),
        ("02", "", 0),
    ] {
        let parent = format!("{}{flags}", PARENT.strip_suffix("01").unwrap());
        let headers = [("traceparent", parent.as_str()), ("tracestate", state)];
        let found = extract(&[Style::TraceContext], &headers).unwrap();
        assert_eq!(priority(&found), Some(expect), "{flags} {state}");
    }
}

#[test]
fn a_parent_that_is_malformed_is_no_context() {
    let parent = |text: &str| extract(&[Style::TraceContext], &[("traceparent", text)]);
    for text in [
        "",
        "00",
        "ff-80f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-01",
        "00-80f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-01-x",
        "00-80f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-1",
        "00-80f198ee56343ba864fe8b2a57d3eff7-0000000000000000-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-80f198ee56343ba864fe8b2a57d3eff-00f067aa0ba902b7-01",
        "00-80f198ee56343ba864fe8b2a57d3efg7-00f067aa0ba902b7-01",
        "00-+0f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-01",
        "00-äääääääääääääääää-00f067aa0ba902b7-01",
    ] {
        assert_eq!(parent(text), None, "{text}");
    }
    for text in [
        "01-80f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-01-x-y",
        "00-80F198EE56343BA864FE8B2A57D3EFF7-00F067AA0BA902B7-01",
        " 00-80f198ee56343ba864fe8b2a57d3eff7-00f067aa0ba902b7-01 ",
    ] {
        let found = parent(text).unwrap();
        assert_eq!(found.trace_id, 7_277_407_061_855_694_839, "{text}");
        assert_eq!(found.tags["_dd.p.tid"], "80f198ee56343ba8");
    }
}

#[test]
fn a_state_that_is_not_printable_or_too_long_is_not_read() {
    let long = format!("dd=s:2,{}", "a=b,".repeat(10_000));
    for state in ["dd=s:2;o:ä", "dd=s:2;o:\u{7f}", long.as_str(), " "] {
        let headers = [("traceparent", PARENT), ("tracestate", state)];
        let found = extract(&[Style::TraceContext], &headers).unwrap();
        assert_eq!(priority(&found), Some(1));
        assert!(!found.tags.contains_key("tracestate"));
    }
}

#[test]
fn a_state_keeps_the_members_of_others() {
    let mut own = context(0x10, Some(2));
    own.set_trace_id_high(0xff);
    own.origin = Some("a=b;c~d".to_owned());
    own.tags.insert("_dd.p.dm".to_owned(), "-4".to_owned());
    own.tags
        .insert("tracestate".to_owned(), "x=1, dd=s:1 ,y=2".to_owned());
    let (headers, _) = inject(&[Style::TraceContext], &mut own);
    assert_eq!(
        headers.get("traceparent"),
        Some("00-00000000000000ff0000000000000010-0000000000000007-01")
    );
    assert_eq!(
        headers.get("tracestate"),
        Some("dd=s:2;p:0000000000000007;o:a~b_c_d;t.dm:-4,x=1,y=2")
    );
}

#[test]
fn datadogs_member_has_at_most_256_bytes() {
    let mut own = context(1, Some(1));
    let room = 256 - "dd=s:1;p:0000000000000007;t.a:".len();
    own.tags.insert("_dd.p.a".to_owned(), "x".repeat(room));
    own.tags.insert("_dd.p.b".to_owned(), "y".to_owned());
    let (headers, _) = inject(&[Style::TraceContext], &mut own);
    assert_eq!(headers.get("tracestate").unwrap().len(), 256);
    own.tags.insert("_dd.p.a".to_owned(), "x".repeat(room + 1));
    let (headers, _) = inject(&[Style::TraceContext], &mut own);
    assert_eq!(
        headers.get("tracestate"),
        Some("dd=s:1;p:0000000000000007;t.b:y")
    );
}

#[test]
fn a_state_has_at_most_32_members() {
    let mut own = context(1, None);
    let others: Vec<_> = (0..40).map(|index| format!("m{index}=1")).collect();
    own.tags.insert("tracestate".to_owned(), others.join(","));
    let (headers, _) = inject(&[Style::TraceContext], &mut own);
    let state = headers.get("tracestate").unwrap();
    assert_eq!(state.split(',').count(), 32);
    assert!(state.ends_with("m30=1"));
}
