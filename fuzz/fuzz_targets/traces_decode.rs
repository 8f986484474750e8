//! Bodies of traces, of all versions.
#![no_main]

use datadog_traces_agent::decode::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::traces_decode(data));
