'use strict';

// What can go wrong: a code, as the library has it, and a text.

const DatadogError = Object.freeze({
  OK: 0,
  NULL_POINTER: 1,
  INVALID_STRING: 2,
  CONFIG_ERROR: 3,
  INIT_ERROR: 4,
  STARTUP_ERROR: 5,
  SHUTDOWN_ERROR: 6,
  RUNTIME_ERROR: 7,
  INVALID_DATA_FORMAT: 8,
  SUBMISSION_ERROR: 9,
  NOT_AVAILABLE: 10,
  UNKNOWN_ERROR: 99,
});

const NAMES = new Map(Object.entries(DatadogError).map(([name, code]) => [code, name]));

/** The name of a code. */
function nameOf(code) {
  return NAMES.get(code) ?? 'UNKNOWN_ERROR';
}

class DatadogAgentException extends Error {
  constructor(message, error = DatadogError.UNKNOWN_ERROR) {
    super(message);
    this.name = 'DatadogAgentException';
    this.error = NAMES.has(error) ? error : DatadogError.UNKNOWN_ERROR;
  }
}

module.exports = { DatadogAgentException, DatadogError, nameOf };
