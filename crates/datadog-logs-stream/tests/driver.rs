//! The driver over real sockets: the real service against the development intake and its faults, and against servers
//! that are none.
//!
//! Every test waits for what it expects to see, with settings short enough that nothing has to sleep.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test fails the test"
)]

#[path = "driver/connections.rs"]
mod connections;
#[path = "driver/delivery.rs"]
mod delivery;
#[path = "driver/faults.rs"]
mod faults;
#[path = "driver/keys.rs"]
mod keys;
#[path = "driver/refusals.rs"]
mod refusals;
#[path = "driver/rig.rs"]
mod rig;
#[path = "driver/server.rs"]
mod server;
#[path = "driver/stop.rs"]
mod stop;
