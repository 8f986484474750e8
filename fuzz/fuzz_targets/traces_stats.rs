//! Bodies of stats that tracers worked out.
#![no_main]

use datadog_traces_agent::client_stats::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::client_stats(data));
