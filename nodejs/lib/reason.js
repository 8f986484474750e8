'use strict';

// Why a wait for the agent's end is over.

const ShutdownReason = Object.freeze({ GRACEFUL_SHUTDOWN: 0, USER_INTERRUPT: 1, FATAL_ERROR: 2, TIMEOUT: 3 });

module.exports = { ShutdownReason };
