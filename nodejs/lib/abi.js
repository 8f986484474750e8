'use strict';

// The C ABI: structures, functions and their types, as the header has them. The one file that knows how foreign
// functions are called, so that another way needs another such file and no more.

const koffi = require('koffi');

const { DatadogAgentException, nameOf } = require('./errors');

/** Of the ABI that this file describes. */
const VERSION = 1;

// Without names: those of koffi are known to the whole process, in which this module may be loaded twice.
const POINTER = koffi.pointer('void');

const ENV_VAR = koffi.struct({ name: 'const char *', value: 'const char *' });

const OPTIONS = koffi.struct({
  struct_size: 'uint32_t',
  flags: 'uint32_t',
  api_key: 'const char *',
  site: 'const char *',
  service: 'const char *',
  env: 'const char *',
  version: 'const char *',
  appsec_enabled: 'int',
  remote_config_enabled: 'int',
  log_level: 'int',
  operational_mode: 'int',
  trace_agent_port: 'int',
  dogstatsd_enabled: 'int',
  dogstatsd_port: 'int',
  trace_agent_uds_permissions: 'int',
  uds_path: 'const char *',
  tags: 'const char *',
  flush_strategy: 'const char *',
  shutdown_timeout_ms: 'int',
  install_signal_handlers: 'int',
  log_callback: POINTER,
  log_userdata: POINTER,
  extra_env: koffi.pointer(ENV_VAR),
  extra_env_len: 'size_t',
});

// `uds_path` is a pointer and not a text, because it has to be freed.
const START_RESULT = koffi.struct({
  agent: POINTER,
  error: 'int',
  version: 'const char *',
  bound_port: 'int',
  dogstatsd_port: 'int',
  uds_path: POINTER,
});

/** Loads the library; throws if it cannot be, or is another one. */
function open(file) {
  const library = koffi.load(file);
  const version = library.func('datadog_agent_abi_version', 'int', [])();
  if (version !== VERSION) {
    throw new Error(`it has version ${version} of the ABI, and this package knows ${VERSION}`);
  }
  return new Functions(library);
}

/** The functions of a loaded library. Those whose name ends in `Async` call on another thread. */
class Functions {
  #start;
  #free;
  #lastError;
  #stop;
  #wait;
  #requestShutdown;
  #flush;

  constructor(library) {
    this.#start = library.func('datadog_agent_start_v2', START_RESULT, [koffi.pointer(OPTIONS)]);
    this.#free = library.func('datadog_free_string', 'void', [POINTER]);
    this.#lastError = library.func('datadog_agent_last_error', 'size_t', [POINTER, 'size_t']);
    this.#stop = library.func('datadog_agent_stop', 'int', [POINTER]);
    this.#wait = library.func('datadog_agent_wait_for_shutdown_timeout', 'int', [POINTER, 'int']);
    this.#requestShutdown = library.func('datadog_agent_request_shutdown', 'int', [POINTER]);
    this.#flush = library.func('datadog_agent_flush', 'int', [POINTER, 'int']);
  }

  /** Starts an agent; returns its pointer and what else a start found out. */
  start(options) {
    const result = this.#start({ struct_size: koffi.sizeof(OPTIONS), flags: 0, ...options });
    if (result.agent === null) {
      const name = nameOf(result.error);
      throw new DatadogAgentException(this.lastError() || `the agent was not started: ${name}`, result.error);
    }
    return {
      pointer: result.agent,
      version: result.version,
      boundPort: portOrNull(result.bound_port),
      dogstatsdPort: portOrNull(result.dogstatsd_port),
      udsPath: this.#taken(result.uds_path),
    };
  }

  stop(pointer) {
    return this.#stop(pointer);
  }

  stopAsync(pointer) {
    return onAnotherThread(this.#stop, pointer);
  }

  wait(pointer, milliseconds) {
    return this.#wait(pointer, milliseconds);
  }

  requestShutdown(pointer) {
    return this.#requestShutdown(pointer);
  }

  flush(pointer, milliseconds) {
    return this.#flush(pointer, milliseconds);
  }

  flushAsync(pointer, milliseconds) {
    return onAnotherThread(this.#flush, pointer, milliseconds);
  }

  /** The text of the last failure of a call on this thread; empty if there was none. */
  lastError() {
    const size = Number(this.#lastError(null, 0));
    const buffer = Buffer.alloc(size + 1);
    this.#lastError(buffer, buffer.length);
    return buffer.toString('utf8', 0, size);
  }

  /** The exception of a call on this thread that returned a code. */
  failure(code) {
    return new DatadogAgentException(this.lastError() || nameOf(code), code);
  }

  /** Copies a text that the library gave us, and frees it. */
  #taken(text) {
    if (text === null) {
      return null;
    }
    try {
      return koffi.decode.string(text);
    } finally {
      this.#free(text);
    }
  }
}

function portOrNull(port) {
  return port < 0 ? null : port;
}

function onAnotherThread(call, ...values) {
  return new Promise((resolve, reject) => {
    call.async(...values, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

module.exports = { OPTIONS, START_RESULT, open };
