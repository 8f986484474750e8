use proptest::prelude::*;

use super::*;

const STYLES: [Style; 5] = [
    Style::Datadog,
    Style::TraceContext,
    Style::B3,
    Style::B3Multi,
    Style::Baggage,
];

fn propagator(styles: &[Style]) -> Propagator {
    Propagator::new(Config {
        extract: styles.to_vec(),
        inject: styles.to_vec(),
        ..Config::default()
    })
}

fn extract(styles: &[Style], headers: &[(&str, &str)]) -> Option<SpanContext> {
    propagator(styles).extract(&headers.to_vec())
}

fn inject(styles: &[Style], context: &mut SpanContext) -> (Vec<(String, String)>, LeftOut) {
    let mut headers = Vec::new();
    let left_out = propagator(styles).inject(context, &mut headers);
    (headers, left_out)
}

fn tags(context: &SpanContext) -> Vec<(&str, &str)> {
    context
        .tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

fn priority(context: &SpanContext) -> Option<i8> {
    context.sampling.map(|sampling| sampling.priority)
}

fn context(trace_id: u64, priority: Option<i8>) -> SpanContext {
    SpanContext {
        trace_id,
        span_id: 7,
        sampling: priority.map(|priority| Sampling {
            priority,
            mechanism: None,
        }),
        ..SpanContext::default()
    }
}

#[test]
fn styles_are_read_from_names() {
    let (styles, unknown) =
        parse_styles("Datadog, b3 single header,B3MULTI,none,tracecontext,x,baggage,b3");
    assert_eq!(
        styles,
        [
            Style::Datadog,
            Style::B3,
            Style::B3Multi,
            Style::TraceContext,
            Style::Baggage
        ]
    );
    assert_eq!(unknown, ["x"]);
    assert_eq!(parse_styles("none"), (vec![], vec![]));
}

#[test]
fn names_of_headers_may_be_in_any_case() {
    let found = extract(&[Style::Datadog], &[("X-Datadog-Trace-ID", "1")]).unwrap();
    assert_eq!(found.trace_id, 1);
    let mut headers = vec![("X-Datadog-Trace-Id".to_owned(), "2".to_owned())];
    propagator(&[Style::Datadog]).inject(&mut context(3, None), &mut headers);
    let ids: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-datadog-trace-id"))
        .collect();
    assert_eq!(ids, [&("x-datadog-trace-id".to_owned(), "3".to_owned())]);
}

mod datadog {
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
}

mod tracecontext {
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
}

mod b3 {
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
}

mod baggage {
    use super::*;

    fn items(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn items_are_decoded() {
        let found = extract(
            &[Style::Baggage],
            &[("baggage", "a=b%20c ; prop=1, d = %C3%A4 ,e=,=x,y,z=%zz")],
        )
        .unwrap();
        assert_eq!(found.trace_id, 0);
        assert_eq!(found.baggage, items(&[("a", "b c"), ("d", "ä"), ("e", "")]));
        assert_eq!(extract(&[Style::Baggage], &[("baggage", "x")]), None);
    }

    #[test]
    fn items_go_along_with_a_context() {
        let headers = [("baggage", "a=b"), ("x-datadog-trace-id", "1")];
        let found = extract(&[Style::Datadog, Style::Baggage], &headers).unwrap();
        assert_eq!((found.trace_id, found.baggage), (1, items(&[("a", "b")])));
        let found = extract(&[Style::Datadog], &headers).unwrap();
        assert_eq!(found.baggage, []);
    }

    #[test]
    fn items_have_bounds() {
        let of = |count: usize| SpanContext {
            baggage: (0..count)
                .map(|index| (index.to_string(), String::new()))
                .collect(),
            ..SpanContext::default()
        };
        for (count, left) in [(64, 0), (65, 1), (100, 36)] {
            let (headers, left_out) = inject(&[Style::Baggage], &mut of(count));
            assert_eq!(left_out.baggage_items, left);
            let found = propagator(&[Style::Baggage]).extract(&headers).unwrap();
            assert_eq!(found.baggage.len(), 64);
        }
        let long = |bytes: usize| SpanContext {
            baggage: vec![
                ("a".to_owned(), "b".to_owned()),
                ("c".to_owned(), "x".repeat(bytes - "a=b,c=".len())),
            ],
            ..SpanContext::default()
        };
        for (bytes, left) in [(8_192, 0), (8_193, 1)] {
            let (_, left_out) = inject(&[Style::Baggage], &mut long(bytes));
            assert_eq!(left_out.baggage_items, left);
        }
        let header = format!("a=b,c={}", "x".repeat(8_187));
        let found = extract(&[Style::Baggage], &[("baggage", &header)]).unwrap();
        assert_eq!(found.baggage, items(&[("a", "b")]));
    }

    #[test]
    fn items_of_opentracing_become_tags_that_are_not_ours() {
        let headers = vec![
            ("x-datadog-trace-id", "1"),
            ("OT-Baggage-User", "u"),
            ("ot-baggage-_dd.p.dm", "-9"),
            ("ot-baggage-", "x"),
        ];
        let of = |http_baggage| {
            let config = Config {
                http_baggage,
                ..Config::default()
            };
            Propagator::new(config).extract(&headers).unwrap()
        };
        assert_eq!(tags(&of(true)), [("_dd.p.dm", "-3"), ("user", "u")]);
        assert_eq!(tags(&of(false)), [("_dd.p.dm", "-3")]);
    }
}

mod composite {
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
}

/// A context that every style with ids can carry.
fn any_context() -> impl Strategy<Value = SpanContext> {
    let text = "[a-z0-9.:-]{1,9}";
    (
        (1..=u64::MAX, any::<u64>(), 1..=u64::MAX, 0..=2_i8),
        proptest::option::of(text),
        proptest::collection::btree_map("[a-z]{1,3}", text, 0..4),
    )
        .prop_map(|((trace_id, high, span_id, priority), origin, tags)| {
            let mut context = SpanContext {
                trace_id,
                span_id,
                origin,
                tags: tags
                    .into_iter()
                    .filter(|(key, _)| !matches!(key.as_str(), "dm" | "tid"))
                    .map(|(key, value)| (format!("_dd.p.{key}"), value))
                    .collect(),
                ..SpanContext::default()
            };
            context.tags.insert("_dd.p.dm".to_owned(), "-4".to_owned());
            context.set_trace_id_high(high);
            context.sampling = Some(Sampling {
                priority,
                mechanism: Some(4),
            });
            context
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(given in any_context()) {
        for style in [Style::Datadog, Style::TraceContext, Style::B3, Style::B3Multi] {
            let (headers, left_out) = inject(&[style], &mut given.clone());
            prop_assert_eq!(left_out, LeftOut::default());
            let found = propagator(&[style]).extract(&headers).unwrap();
            prop_assert_eq!(
                (found.trace_id_high(), found.trace_id, found.span_id, priority(&found)),
                (given.trace_id_high(), given.trace_id, given.span_id, priority(&given))
            );
            if matches!(style, Style::Datadog | Style::TraceContext) {
                prop_assert_eq!(&found.origin, &given.origin);
                prop_assert_eq!(found.sampling, given.sampling);
                let mut tags = found.tags;
                tags.retain(|key, _| key.starts_with("_dd.p."));
                prop_assert_eq!(&tags, &given.tags);
            }
        }
    }

    #[test]
    fn baggage_that_is_written_is_read(
        baggage in proptest::collection::vec((".{1,9}", ".{0,20}"), 0..20)
    ) {
        let mut given = SpanContext { baggage, ..SpanContext::default() };
        let (headers, left_out) = inject(&[Style::Baggage], &mut given);
        prop_assert_eq!(left_out, LeftOut::default());
        let found = propagator(&[Style::Baggage]).extract(&headers).unwrap_or_default();
        prop_assert_eq!(found.baggage, given.baggage);
    }

    #[test]
    fn no_headers_make_it_panic_or_write_what_breaks_headers(
        values in proptest::collection::vec(
            "[0-9a-f-]{0,70}|[a-z_.:;,=~0-9 -]*|.*|1|dd=s:2;t.a:b|_dd.p.a=.*",
            12
        )
    ) {
        let names = [
            "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority",
            "x-datadog-origin", "x-datadog-tags", "traceparent", "tracestate", "b3",
            "x-b3-traceid", "x-b3-spanid", "baggage", "ot-baggage-x",
        ];
        let headers: Vec<_> = names.into_iter().zip(&values).collect();
        let config = Config { extract: STYLES.to_vec(), http_baggage: true, ..Config::default() };
        if let Some(mut found) = Propagator::new(config).extract(&headers) {
            let (written, _) = inject(&STYLES, &mut found);
            for (name, value) in written {
                prop_assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')), "{name}: {value}");
            }
        }
    }
}
