//! Bodies, as far as rules look at them.
//!
//! What is not looked at is counted, with the reason.

use super::Transaction;
use crate::address::{self, Addresses};
use crate::body;
use crate::limits::Shaper;
use crate::value::Value;

impl Transaction {
    /// The body of the request.
    pub(super) fn body(&mut self, body: &[u8], headers: &[(String, String)]) -> Addresses {
        let mut addresses = Addresses::new();
        let wanted = [address::BODY, address::FILENAMES, address::FILES_CONTENT];
        if !wanted.iter().any(|name| self.rules.knows(name)) {
            return addresses;
        }
        let limits = self.shared.config.limits;
        let mut shaper = Shaper::new(&limits);
        let max = self.shared.config.max_body_bytes;
        match body::parse(body, headers, max, &mut shaper) {
            Ok(read) => {
                addresses.push((address::BODY, read.value));
                if !read.filenames.is_empty() {
                    addresses.push((address::FILENAMES, Value::Array(read.filenames)));
                    addresses.push((address::FILES_CONTENT, Value::Array(read.files_content)));
                }
                addresses.retain(|(name, _)| self.rules.knows(name));
            }
            Err(why) => self.shared.skipped_body(why),
        }
        self.truncated(shaper.truncated());
        addresses
    }

    /// The body of the response, unless the configuration leaves those alone.
    pub(super) fn response_body(
        &self,
        body: &[u8],
        headers: &[(String, String)],
        shaper: &mut Shaper<'_>,
    ) -> Option<(&'static str, Value)> {
        let config = &self.shared.config;
        if !config.api_security.parse_response_body || !self.rules.knows(address::RESPONSE_BODY) {
            return None;
        }
        match body::parse_response(body, headers, config.max_body_bytes, shaper) {
            Ok(value) => Some((address::RESPONSE_BODY, value)),
            Err(why) => {
                self.shared.skipped_body(why);
                None
            }
        }
    }
}
