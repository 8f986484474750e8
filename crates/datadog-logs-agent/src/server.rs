//! The HTTP log server.
