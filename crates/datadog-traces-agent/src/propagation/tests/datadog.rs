//! Datadog's headers.

use super::*;

#[test]
fn all_headers_are_read() {
    let found = extract(
        &[Style::Datadog],
        &[
            ("x-datadog-trace-id", "18446744073709551615"),
            ("x-datadog-parent-id", "4"),
            ("x-datadog-sampling-priority", "-1"),
            ("x-datadog-origin", "synthetics"),
            (
                "x-datadog-tags",
                "_dd.p.dm=-12,_dd.p.tid=640CFD8D00000000,_dd.p.x=a=b,other=1",
            ),
        ],
    )
    .unwrap();
    assert_eq!((found.trace_id, found.span_id), (u64::MAX, 4));
    assert_eq!(
        found.sampling,
        Some(Sampling {
            priority: -1,
            mechanism: Some(12)
        })
    );
    assert_eq!(found.origin.as_deref(), Some("synthetics"));
    assert_eq!(
        tags(&found),
        [
            ("_dd.p.dm", "-12"),
            ("_dd.p.tid", "640cfd8d00000000"),
            ("_dd.p.x", "a=b")
        ]
    );
    assert_eq!(found.trace_id_high(), 0x640c_fd8d_0000_0000);
}

#[test]
fn what_is_absent_has_a_default() {
    let found = extract(&[Style::Datadog], &[("x-datadog-trace-id", "1")]).unwrap();
    assert_eq!((found.span_id, priority(&found)), (0, Some(2)));
    assert_eq!(tags(&found), [("_dd.p.dm", "-3")]);
}

#[test]
fn no_id_or_a_bad_one_is_no_context() {
    for headers in [
        vec![],
        vec![("x-datadog-trace-id", "0")],
        vec![("x-datadog-trace-id", "000")],
        vec![("x-datadog-trace-id", "x")],
        vec![("x-datadog-trace-id", "18446744073709551616")],
        vec![
            ("x-datadog-trace-id", "1"),
            ("x-datadog-sampling-priority", "high"),
        ],
    ] {
        assert_eq!(extract(&[Style::Datadog], &headers), None, "{headers:?}");
    }
}

#[test]
fn bad_tags_are_left_out_and_told() {
    let with = |value: &str| {
        let headers = [("x-datadog-trace-id", "1"), ("x-datadog-tags", value)];
        extract(&[Style::Datadog], &headers).unwrap()
    };
    assert_eq!(
        tags(&with("_dd.p.dm=4")),
        [("_dd.propagation_error", "decoding_error")]
    );
    assert_eq!(
        tags(&with("_dd.p.dm=-1x")),
        [("_dd.propagation_error", "decoding_error")]
    );
    assert_eq!(
        tags(&with("_dd.p.tid=12")),
        [
            ("_dd.p.dm", "-3"),
            ("_dd.propagation_error", "malformed tid 12")
        ]
    );
    let long = |bytes: usize| format!("_dd.p.a={}", "x".repeat(bytes - 8));
    assert_eq!(with(&long(512)).tags.len(), 2);
    assert_eq!(
        tags(&with(&long(513))),
        [
            ("_dd.p.dm", "-3"),
            ("_dd.propagation_error", "extract_max_size")
        ]
    );
}

#[test]
fn tags_that_do_not_fit_are_left_out_and_told() {
    let mut fits = context(1, Some(1));
    let value = "x".repeat(512 - 8);
    fits.tags.insert("_dd.p.a".to_owned(), value.clone());
    let (headers, left_out) = inject(&[Style::Datadog], &mut fits);
    assert_eq!(headers.get("x-datadog-tags").map(str::len), Some(512));
    assert_eq!(left_out, LeftOut::default());

    let mut long = context(1, Some(1));
    long.tags.insert("_dd.p.a".to_owned(), value + "x");
    let (headers, left_out) = inject(&[Style::Datadog], &mut long);
    assert_eq!(headers.get("x-datadog-tags"), None);
    assert!(left_out.tags);
    assert_eq!(long.tags["_dd.propagation_error"], "inject_max_size");
}

#[test]
fn nothing_breaks_out_of_its_header() {
    let mut evil = context(1, Some(1));
    evil.origin = Some("a\r\nb".to_owned());
    evil.tags
        .insert("_dd.p.a".to_owned(), "x,_dd.p.dm=-1".to_owned());
    evil.tags.insert("_dd.p.b".to_owned(), "y".to_owned());
    let (headers, left_out) = inject(&[Style::Datadog], &mut evil);
    assert_eq!(headers.get("x-datadog-origin"), Some("a__b"));
    assert_eq!(headers.get("x-datadog-tags"), Some("_dd.p.b=y"));
    assert!(left_out.tags);
    assert_eq!(evil.tags["_dd.propagation_error"], "encoding_error");
}
