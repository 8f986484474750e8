//! Streams of any bytes, read in pieces of any size.
#![no_main]

use datadog_metrics_agent::server::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::stream(data));
