//! Traces that another part of the agent looks at.

use std::sync::{Arc, Mutex};

use datadog_dev_intake::Intake;
use datadog_traces_agent::inspect::{Chance, Inspector, Look};
use datadog_traces_agent::span::{Chunk, Text};

use crate::agent::*;

/// Notes what it sees of each trace, and keeps them all.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<(u64, String)>>);

impl Inspector for Notes {
    fn is_on(&self) -> bool {
        true
    }

    fn inspect(&self, chunk: &mut Chunk<'_>, _: Chance) -> Look {
        chunk.priority = 2;
        for span in &mut chunk.spans {
            let url = span.tag("http.url").unwrap_or_default().to_owned();
            self.0.lock().unwrap().push((span.trace_id, url));
            span.meta.insert("noted", Text::from("yes".to_owned()));
        }
        Look::Done
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspector_sees_what_filters_left_as_it_came_and_decides_before_the_sampler() {
    let intake = Intake::start().await;
    let mut config = config(&intake);
    config.filter.ignore_resources = vec!["^GET /health".to_owned()];
    config.obfuscation.http.remove_query_string = true;
    let notes = Arc::new(Notes::default());
    let agent = Agent::inspected(config, Some(Arc::clone(&notes) as Arc<dyn Inspector>)).await;
    let with_url = |trace_id, resource: &str| {
        // Nobody would keep it.
        let mut chunk = chunk(trace_id, resource, -1.0);
        let url = Text::from("http://shop.example/cart?q=secret");
        chunk.spans[0].meta.push("http.url", url);
        chunk
    };
    let chunks = vec![with_url(7, "GET /cart"), with_url(8, "GET /health")];
    agent.trace(chunks).await;
    agent.flush().await;
    agent.stop_within(LONG).await;
    let seen = notes.0.lock().unwrap().clone();
    assert_eq!(seen, [(7, "http://shop.example/cart?q=secret".to_owned())]);
    let traces = intake.traces();
    assert_eq!((traces.len(), traces[0].chunk.priority), (1, 2));
    let span = &traces[0].spans()[0];
    let meta = |name: &str| span.meta[name].as_str();
    assert_eq!(
        (meta("http.url"), meta("noted")),
        ("http://shop.example/cart?", "yes")
    );
}
