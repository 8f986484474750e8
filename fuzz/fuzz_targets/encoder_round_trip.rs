//! Log lines of any bytes, through the encoder and the decoder.
#![no_main]

use datadog_logs_patterns::encoder::checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::round_trip(data));
