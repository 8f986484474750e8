//! What the agent counts about this pipeline, as metrics of its own: counters since the last time, gauges as they are.
//!
//! Speaks the words of DogStatsD, so that what it says is aggregated like everything else. A loss that has no name
//! here would be one in silence to whoever looks at dashboards alone, so a test asks for a name of each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use datadog_agent_runtime::telemetry::{Kind, Labels, Metric, Sample, Telemetry};
use datadog_wire::status::{self, Action};

/// In front of all names; metrics that begin so get no namespace of the user.
const PREFIX: &str = "datadog.agent.";

/// Tells what was counted since it was asked last.
#[derive(Debug)]
pub(super) struct Own {
    telemetry: Telemetry,
    told: BTreeMap<(Metric, Labels), u64>,
    line: String,
}

/// Under what a series is told.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    /// What follows the prefix.
    name: &'static str,
    /// Labels that become tags, and the names of these.
    tags: &'static [(&'static str, &'static str)],
}

const fn name(name: &'static str, tags: &'static [(&'static str, &'static str)]) -> Option<Name> {
    Some(Name { name, tags })
}

impl Own {
    pub(super) fn new(telemetry: &Telemetry) -> Self {
        Self {
            telemetry: telemetry.clone(),
            told: BTreeMap::new(),
            line: String::new(),
        }
    }

    /// Gives each message to `take`.
    pub(super) fn tell(&mut self, mut take: impl FnMut(&[u8])) {
        for sample in self.telemetry.samples() {
            let Some(name) = name_of(&sample) else {
                continue;
            };
            let value = match sample.metric.kind() {
                Kind::Gauge => sample.value,
                Kind::Counter => {
                    let key = (sample.metric, sample.labels.clone());
                    let told = self.told.entry(key).or_default();
                    let new = sample.value.saturating_sub(*told);
                    *told = sample.value;
                    if new == 0 {
                        continue;
                    }
                    new
                }
            };
            self.write(&name, &sample, value);
            take(self.line.as_bytes());
        }
    }

    fn write(&mut self, name: &Name, sample: &Sample, value: u64) {
        let kind = match sample.metric.kind() {
            Kind::Gauge => 'g',
            Kind::Counter => 'c',
        };
        self.line.clear();
        // A string takes all that is written to it.
        let _infallible = write!(self.line, "{PREFIX}{}:{value}|{kind}", name.name).is_err();
        let mut before = "|#";
        for &(label, tag) in name.tags {
            if let Some(value) = label_of(sample, label) {
                let _infallible = write!(self.line, "{before}{tag}:{value}").is_err();
                before = ",";
            }
        }
    }
}

fn label_of<'a>(sample: &'a Sample, name: &str) -> Option<&'a str> {
    let mut labels = sample.labels.iter();
    let (_, value) = labels.find(|(label, _)| *label == name)?;
    Some(value)
}

/// What a series is called; `None` for what is about another pipeline, or said by another name already.
fn name_of(sample: &Sample) -> Option<Name> {
    const ENDPOINT: &[(&str, &str)] = &[("endpoint", "endpoint")];
    const TRANSPORT: &[(&str, &str)] = &[("transport", "transport")];
    const TYPE: &[(&str, &str)] = &[("kind", "type")];
    let reason = label_of(sample, "reason").unwrap_or_default();
    match sample.metric {
        Metric::MetricsPackets => name("dsd.packets", TRANSPORT),
        Metric::MetricsBytesReceived => name("dsd.bytes", TRANSPORT),
        Metric::MetricsPacketsDropped if reason == "too_large" => {
            name("dsd.stream_frame_too_big", TRANSPORT)
        }
        Metric::MetricsPacketsDropped => name(
            "dsd.packets_dropped",
            &[("reason", "reason"), ("transport", "transport")],
        ),
        Metric::MetricsPacketsTruncated => name("dsd.truncated", TRANSPORT),
        Metric::MetricsReadErrors => name("dsd.read_errors", TRANSPORT),
        Metric::MetricsForwardErrors => name("dsd.forward_errors", &[]),
        Metric::MetricsMessages => name("dsd.messages", TYPE),
        Metric::MetricsMalformed => name("dsd.parse_errors", TYPE),
        Metric::MetricsBadRates => name("dsd.bad_rate", &[]),
        Metric::MetricsBadFields => name("dsd.bad_fields", &[]),
        Metric::MetricsTagsDropped => name("dsd.tags_dropped", &[]),
        Metric::MetricsOriginErrors => name("dsd.origin_errors", &[]),
        Metric::MetricsQueueBytes => name("dsd.queue_bytes", &[]),
        Metric::MetricsContexts => name("agg.contexts", &[]),
        Metric::MetricsMemoryBytes => name("agg.memory_bytes", &[]),
        Metric::MetricsLatePoints => name("agg.late_points", &[]),
        Metric::MetricsSamplesDropped => sample_dropped(reason),
        Metric::MetricsPayloads => name("ser.payloads", TYPE),
        Metric::MetricsHttpResponses => {
            let status = label_of(sample, "status").and_then(|it| it.parse().ok())?;
            match status::METRICS.action(status) {
                Action::Accept => name("fwd.success", ENDPOINT),
                Action::Retry => name("fwd.retry", &[("status", "code"), ("endpoint", "endpoint")]),
                _ => None,
            }
        }
        // Those that had no answer too.
        Metric::MetricsRetries => name("fwd.attempts_after_first", ENDPOINT),
        Metric::MetricsDropped if reason == "redrive_full" => name("fwd.queue_evicted", ENDPOINT),
        Metric::MetricsDropped => name(
            "fwd.dropped",
            &[("reason", "reason"), ("endpoint", "endpoint")],
        ),
        Metric::MetricsRedriveBytes => name("fwd.queue_bytes", ENDPOINT),
        _ => None,
    }
}

/// What the loss of a value is called, by its reason.
fn sample_dropped(reason: &str) -> Option<Name> {
    match reason {
        "not_finite" => name("dsd.nonfinite", &[]),
        "filtered" => name("dsd.filtered", &[]),
        "context_limit" => name("agg.context_limit_drops", &[]),
        "unsupported_type" => name("agg.unsupported_type", &[]),
        "too_large" => name("ser.item_too_big", &[]),
        _ => name("agg.dropped", &[("reason", "reason")]),
    }
}

#[cfg(test)]
mod tests {
    use datadog_agent_runtime::telemetry::Reason;

    use super::*;

    fn told(own: &mut Own) -> Vec<String> {
        let mut lines = Vec::new();
        own.tell(|line| lines.push(String::from_utf8(line.to_vec()).unwrap()));
        lines
    }

    #[test]
    fn counters_are_told_once_and_gauges_each_time() {
        let telemetry = Telemetry::default();
        let mut own = Own::new(&telemetry);
        let udp = telemetry.series(Metric::MetricsPackets, &[("transport", "udp")]);
        udp.add(3);
        telemetry.series(Metric::MetricsContexts, &[]).set(7);
        telemetry.add(Metric::LogsSent, &[("endpoint", "main")], 1);
        let packets = "datadog.agent.dsd.packets:3|c|#transport:udp";
        let contexts = "datadog.agent.agg.contexts:7|g";
        assert_eq!(told(&mut own), [packets, contexts]);
        assert_eq!(told(&mut own), [contexts]);
        udp.add(2);
        assert_eq!(
            told(&mut own),
            ["datadog.agent.dsd.packets:2|c|#transport:udp", contexts]
        );
    }

    #[test]
    fn answers_are_told_by_what_they_led_to() {
        let telemetry = Telemetry::default();
        for (status, count) in [("202", 5), ("500", 2), ("400", 1)] {
            let labels = [("endpoint", "a:443"), ("status", status)];
            telemetry.add(Metric::MetricsHttpResponses, &labels, count);
        }
        let evicted = [("reason", "redrive_full"), ("endpoint", "a:443")];
        telemetry.add(Metric::MetricsDropped, &evicted, 9);
        telemetry.dropped(Metric::MetricsDropped, Reason::Shutdown, 4);
        let mut lines = told(&mut Own::new(&telemetry));
        lines.sort();
        assert_eq!(
            lines,
            [
                "datadog.agent.fwd.dropped:4|c|#reason:shutdown",
                "datadog.agent.fwd.queue_evicted:9|c|#endpoint:a:443",
                "datadog.agent.fwd.retry:2|c|#code:500,endpoint:a:443",
                "datadog.agent.fwd.success:5|c|#endpoint:a:443",
            ]
        );
    }

    #[test]
    fn every_loss_has_a_name() {
        for metric in [
            Metric::MetricsPacketsDropped,
            Metric::MetricsSamplesDropped,
            Metric::MetricsDropped,
        ] {
            for reason in Reason::ALL {
                let sample = Sample {
                    metric,
                    labels: vec![("reason", reason.name().to_owned())],
                    value: 1,
                };
                assert!(name_of(&sample).is_some(), "{metric:?} {reason:?}");
            }
        }
    }
}
