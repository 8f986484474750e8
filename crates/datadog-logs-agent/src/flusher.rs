//! Batches become payloads.
