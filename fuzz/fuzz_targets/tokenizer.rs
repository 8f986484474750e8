//! Log lines of any bytes.
#![no_main]

use datadog_logs_patterns::tokenizer::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::line(data));
