//! Single entries, and lines of files.
#![no_main]

use datadog_logs_agent::processor::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::intake_entry(data));
