//! Bodies of log requests, of any content type.
#![no_main]

use datadog_logs_agent::processor::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::intake_body(data));
