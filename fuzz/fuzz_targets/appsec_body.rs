//! Bodies and heads of requests, as the firewall gets them.
#![no_main]

use datadog_appsec::body::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::any(data));
