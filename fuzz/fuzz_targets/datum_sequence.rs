//! Batches of the stateful log stream, of either profile and in each encoding.
#![no_main]

use datadog_logs_patterns::decoder::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::datum_sequence(data));
