//! What styles have in common; each has a file of its own.

mod b3;
mod baggage;
mod composite;
mod datadog;
mod tracecontext;

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
