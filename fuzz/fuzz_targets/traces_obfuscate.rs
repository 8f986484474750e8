//! Texts of spans that are obfuscated.
#![no_main]

use datadog_traces_agent::obfuscate::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::text(data));
