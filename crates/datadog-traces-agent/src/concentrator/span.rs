//! What stats want to know of a span, found in one pass over its tags.

use std::borrow::Cow;

use crate::span::Span;

use super::grpc;

/// The service that a span would have without an integration's name.
pub(super) const BASE_SERVICE: &str = "_dd.base_service";

/// What stats want to know of a span that they count.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub(super) is_top_level: bool,
    pub(super) span_kind: &'a str,
    /// The status of HTTP, 0 if there is none.
    pub(super) http_status: u32,
    /// The status of gRPC as a number in words, empty if there is none.
    pub(super) grpc_status: Cow<'a, str>,
    /// What the name of the service was taken from.
    pub(super) service_source: &'a str,
    base_service: &'a str,
}

/// Whose name is among the peers of a span.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Peers<'a> {
    /// Everyone's: it is a call to another service.
    All,
    /// Only that of its own service, without an integration's name.
    BaseService(&'a str),
    None,
}

/// Numbers and texts by their key, as they come.
#[derive(Default)]
struct Found<'a> {
    top_level: [bool; 2],
    measured: bool,
    partial: bool,
    /// Of `http.status_code` and `http.response.status_code`.
    http_numbers: [Option<f64>; 2],
    http_texts: [Option<&'a str>; 2],
    grpc_number: [Option<f64>; 5],
    grpc_text: [Option<&'a str>; 5],
}

/// What stats want to know of a span, `None` if they do not count it.
///
/// They count top-level and measured spans, and by wish those that their kind makes interesting; never parts of spans
/// that still run.
pub(super) fn read<'a>(span: &'a Span<'_>, by_kind: bool) -> Option<Seen<'a>> {
    let mut found = Found::default();
    for (key, number) in &span.metrics {
        found.number(key, *number);
    }
    if found.partial {
        return None;
    }
    let mut seen = Seen {
        is_top_level: found.top_level != [false; 2],
        ..Seen::default()
    };
    for (key, text) in &span.meta {
        match key.as_ref() {
            "span.kind" => seen.span_kind = text,
            "_dd.svc_src" => seen.service_source = text,
            BASE_SERVICE => seen.base_service = text,
            key => found.text(key, text),
        }
    }
    let counts =
        seen.is_top_level || found.measured || (by_kind && is_kind_counted(seen.span_kind));
    if !counts {
        return None;
    }
    seen.http_status = found.http_status();
    seen.grpc_status = found.grpc_status();
    Some(seen)
}

impl<'a> Seen<'a> {
    /// Whose name is among the peers.
    pub(super) fn peers(&self) -> Peers<'a> {
        let is = |kind: &str| self.span_kind.eq_ignore_ascii_case(kind);
        if is("client") || is("producer") || is("consumer") {
            Peers::All
        } else if (is("") || is("internal")) && !self.base_service.is_empty() {
            Peers::BaseService(self.base_service)
        } else {
            Peers::None
        }
    }
}

impl<'a> Found<'a> {
    fn number(&mut self, key: &str, number: f64) {
        match key {
            "_top_level" => self.top_level[0] = number == 1.0,
            "_dd.top_level" => self.top_level[1] = number == 1.0,
            "_dd.measured" => self.measured = number == 1.0,
            "_dd.partial_version" => self.partial = number >= 0.0,
            "http.status_code" => self.http_numbers[0] = Some(number),
            "http.response.status_code" => self.http_numbers[1] = Some(number),
            key => set(&mut self.grpc_number, key, number),
        }
    }

    fn text(&mut self, key: &str, text: &'a str) {
        match key {
            "http.status_code" => self.http_texts[0] = Some(text),
            "http.response.status_code" => self.http_texts[1] = Some(text),
            key => set(&mut self.grpc_text, key, text),
        }
    }

    /// The first number, or else text, of the older key, then of the newer one; what is no status is none.
    fn http_status(&self) -> u32 {
        for (number, text) in self.http_numbers.iter().zip(&self.http_texts) {
            if let Some(number) = number {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the whole part is meant, and the cast saturates"
                )]
                return *number as u32;
            }
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return text.parse().unwrap_or(0);
            }
        }
        0
    }

    /// The first text, or else the first number.
    fn grpc_status(&self) -> Cow<'a, str> {
        let mut texts = self.grpc_text.iter().flatten();
        if let Some(text) = texts.find(|text| !text.is_empty()) {
            return grpc::of_text(text).into();
        }
        let mut numbers = self.grpc_number.iter().flatten();
        numbers
            .next()
            .map_or(Cow::Borrowed(""), |number| grpc::of_number(*number))
    }
}

/// Sets the place of a key of gRPC, if it is one.
fn set<T>(places: &mut [Option<T>; 5], key: &str, value: T) {
    // The first letters spare most keys five comparisons.
    if !key.starts_with("rpc.") && !key.starts_with("grpc.") {
        return;
    }
    let known = grpc::KEYS.iter().position(|known| *known == key);
    if let Some(place) = known.and_then(|index| places.get_mut(index)) {
        *place = Some(value);
    }
}

fn is_kind_counted(kind: &str) -> bool {
    ["server", "client", "producer", "consumer"]
        .iter()
        .any(|counted| counted.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(
        meta: &[(&'static str, &'static str)],
        metrics: &[(&'static str, f64)],
    ) -> Span<'static> {
        let meta = meta
            .iter()
            .map(|(key, text)| ((*key).into(), (*text).into()));
        let metrics = metrics.iter().map(|(key, number)| ((*key).into(), *number));
        Span {
            meta: meta.collect(),
            metrics: metrics.collect(),
            ..Span::default()
        }
    }

    fn counts(meta: &[(&'static str, &'static str)], metrics: &[(&'static str, f64)]) -> bool {
        read(&span(meta, metrics), true).is_some()
    }

    #[test]
    fn top_level_measured_and_calling_spans_count() {
        assert!(!counts(&[], &[]));
        for key in ["_top_level", "_dd.top_level", "_dd.measured"] {
            assert!(counts(&[], &[(key, 1.0)]), "{key}");
            assert!(!counts(&[], &[(key, 2.0)]), "{key}");
        }
        for (kind, counted) in [
            ("server", true),
            ("CLIENT", true),
            ("producer", true),
            ("consumer", true),
            ("internal", false),
            ("", false),
        ] {
            assert_eq!(counts(&[("span.kind", kind)], &[]), counted, "{kind}");
            assert!(read(&span(&[("span.kind", kind)], &[]), false).is_none());
        }
    }

    #[test]
    fn parts_of_running_spans_do_not_count() {
        assert!(!counts(
            &[],
            &[("_top_level", 1.0), ("_dd.partial_version", 0.0)]
        ));
        assert!(counts(
            &[],
            &[("_top_level", 1.0), ("_dd.partial_version", -1.0)]
        ));
    }

    #[track_caller]
    fn check_http(
        meta: &[(&'static str, &'static str)],
        metrics: &[(&'static str, f64)],
        expected: u32,
    ) {
        let mut metrics = metrics.to_vec();
        metrics.push(("_top_level", 1.0));
        let span = span(meta, &metrics);
        assert_eq!(read(&span, true).unwrap().http_status, expected);
    }

    #[test]
    fn the_status_of_http_is_a_number_before_a_text_and_of_the_old_key_first() {
        let (old, new) = ("http.status_code", "http.response.status_code");
        check_http(&[], &[], 0);
        check_http(&[(old, "404")], &[], 404);
        check_http(&[(old, "404")], &[(old, 200.0)], 200);
        check_http(&[(old, "404")], &[(new, 200.0)], 404);
        check_http(&[(new, "500")], &[], 500);
        check_http(&[(new, "500"), (old, "")], &[], 500);
        check_http(&[(old, "what"), (new, "500")], &[], 0);
    }

    #[test]
    fn the_status_of_grpc_is_a_text_before_a_number() {
        let status = |meta: &[_], metrics: &[_]| {
            let mut metrics = metrics.to_vec();
            metrics.push(("_top_level", 1.0));
            let span = span(meta, &metrics);
            read(&span, true).unwrap().grpc_status.into_owned()
        };
        assert_eq!(status(&[], &[]), "");
        assert_eq!(status(&[("grpc.code", "StatusCode.Internal")], &[]), "13");
        assert_eq!(status(&[], &[("grpc.status.code", 3.0)]), "3");
        let both = [("grpc.code", "1"), ("rpc.grpc.status_code", "2")];
        assert_eq!(status(&both, &[("grpc.code", 3.0)]), "2");
        assert_eq!(status(&[("grpc.codes", "1")], &[]), "");
    }

    #[test]
    fn peers_are_named_for_calls_and_base_services_within() {
        let peers = |kind: &'static str, base: &'static str| {
            let span = span(
                &[("span.kind", kind), (BASE_SERVICE, base)],
                &[("_top_level", 1.0)],
            );
            match read(&span, true).unwrap().peers() {
                Peers::All => "all",
                Peers::BaseService(_) => "base",
                Peers::None => "none",
            }
        };
        assert_eq!(peers("Client", ""), "all");
        assert_eq!(peers("producer", "x"), "all");
        assert_eq!(peers("server", "x"), "none");
        assert_eq!(peers("", "x"), "base");
        assert_eq!(peers("internal", "x"), "base");
        assert_eq!(peers("internal", ""), "none");
    }
}
