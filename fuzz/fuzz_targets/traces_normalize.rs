//! Chunks of spans that are repaired.
#![no_main]

use datadog_traces_agent::normalize::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::normalize(data));
