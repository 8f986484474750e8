//! The task around the aggregator, and the door to it.
