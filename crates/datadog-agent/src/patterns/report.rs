//! What the verb `patterns` says to programs.

use std::time::Duration;

use serde_json::{Value, json};

use super::measure::Figures;

/// The object that people script against: keys are added, never renamed.
pub(super) fn to_json(files: &[(String, Figures)], total: &Figures) -> Value {
    let files: Vec<_> = files
        .iter()
        .map(|(file, figures)| {
            let mut object = json!({ "file": file });
            if let (Value::Object(all), Value::Object(own)) = (&mut object, object_of(figures)) {
                all.extend(own);
            }
            object
        })
        .collect();
    json!({ "files": files, "total": object_of(total) })
}

fn object_of(figures: &Figures) -> Value {
    json!({
        "lines": figures.lines,
        "raw_bytes": figures.raw_bytes,
        "http_bytes": figures.http_bytes,
        "zstd_stream_bytes": figures.zstd_stream_bytes,
        "stateful_bytes": figures.stateful_bytes,
        "patterns": figures.patterns,
        "lossless": figures.lossless,
        "http_seconds": seconds(figures.http_time),
        "stateful_seconds": seconds(figures.stateful_time),
    })
}

/// To a microsecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}
