//! Documents, names and constraints of remote configuration.
#![no_main]

use datadog_remote_config::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::remote_config(data));
