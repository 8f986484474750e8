//! Datagrams of any bytes.
#![no_main]

use datadog_metrics_agent::parse::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::datagram(data));
