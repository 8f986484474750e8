//! Baggage of W3C and OpenTracing.

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
