//! Both styles of B3.

use super::*;

#[test]
fn one_header_is_read() {
    for (text, high, low, sampled) in [
        (
            "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90",
            0x80f1_98ee_5634_3ba8,
            0x64fe_8b2a_57d3_eff7,
            Some(1),
        ),
        (
            "64FE8B2A57D3EFF7-e457b5a2e4d86bd1-d",
            0,
            0x64fe_8b2a_57d3_eff7,
            Some(2),
        ),
        (
            "64fe8b2a57d3eff7-e457b5a2e4d86bd1-0",
            0,
            0x64fe_8b2a_57d3_eff7,
            Some(0),
        ),
        (
            "64fe8b2a57d3eff7-e457b5a2e4d86bd1",
            0,
            0x64fe_8b2a_57d3_eff7,
            None,
        ),
    ] {
        let found = extract(&[Style::B3], &[("B3", text)]).unwrap();
        assert_eq!(
            (found.trace_id_high(), found.trace_id),
            (high, low),
            "{text}"
        );
        assert_eq!(found.span_id, 0xe457_b5a2_e4d8_6bd1);
        assert_eq!(priority(&found), sampled, "{text}");
    }
}

#[test]
fn several_headers_are_read() {
    let with = |name, value| {
        extract(
            &[Style::B3Multi],
            &[
                ("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7"),
                ("X-B3-SpanId", "e457b5a2e4d86bd1"),
                (name, value),
            ],
        )
        .unwrap()
    };
    assert_eq!(priority(&with("X-B3-Sampled", "1")), Some(1));
    assert_eq!(priority(&with("X-B3-Sampled", "0")), Some(0));
    assert_eq!(priority(&with("X-B3-Sampled", "d")), None);
    assert_eq!(priority(&with("X-B3-Flags", "1")), Some(2));
    let found = with("X-B3-Flags", "0");
    assert_eq!(priority(&found), None);
    assert_eq!(tags(&found), [("_dd.p.tid", "80f198ee56343ba8")]);
}

#[test]
fn a_decision_may_come_alone() {
    for (text, expect) in [("0", 0), ("1", 1), ("d", 2)] {
        let found = extract(&[Style::B3], &[("b3", text)]).unwrap();
        assert_eq!((found.trace_id, priority(&found)), (0, Some(expect)));
    }
    let found = extract(&[Style::B3Multi], &[("x-b3-sampled", "0")]).unwrap();
    assert_eq!((found.trace_id, priority(&found)), (0, Some(0)));
    // It yields to a context with ids.
    let found = extract(
        &[Style::B3, Style::Datadog],
        &[("b3", "0"), ("x-datadog-trace-id", "1")],
    )
    .unwrap();
    assert_eq!((found.trace_id, priority(&found)), (1, Some(2)));
}

#[test]
fn what_is_malformed_is_no_context() {
    for text in [
        "",
        "2",
        "-",
        "64fe8b2a57d3eff7-",
        "64fe8b2a57d3eff7-e457b5a2e4d86bd1-2",
        "64fe8b2a57d3eff7-e457b5a2e4d86bd",
        "64fe8b2a57d3eff-e457b5a2e4d86bd1",
        "0000000000000000-e457b5a2e4d86bd1",
        "64fe8b2a57d3eff7-0000000000000000",
    ] {
        assert_eq!(extract(&[Style::B3], &[("b3", text)]), None, "{text}");
    }
    let headers = [("x-b3-traceid", "1"), ("x-b3-spanid", "2")];
    assert_eq!(extract(&[Style::B3Multi], &headers), None);
}

#[test]
fn decisions_are_written_as_they_are_known_there() {
    for (priority, single, name, value) in [
        (Some(-1), "-0", "x-b3-sampled", Some("0")),
        (Some(0), "-0", "x-b3-sampled", Some("0")),
        (Some(1), "-1", "x-b3-sampled", Some("1")),
        (Some(2), "-d", "x-b3-flags", Some("1")),
        (None, "", "x-b3-sampled", None),
    ] {
        let (headers, _) = inject(&[Style::B3, Style::B3Multi], &mut context(1, priority));
        let expect = format!("0000000000000001-0000000000000007{single}");
        assert_eq!(headers.get("b3"), Some(expect.as_str()));
        assert_eq!(headers.get("x-b3-traceid"), Some("0000000000000001"));
        assert_eq!(headers.get("x-b3-spanid"), Some("0000000000000007"));
        assert_eq!(headers.get(name), value);
    }
}
