'use strict';

// The C ABI: structures, functions and their types, as the header has them. The one file that knows how foreign
// functions are called, so that another way needs another such file and no more.

const koffi = require('koffi');

const { DatadogAgentException, DatadogError, nameOf } = require('./errors');

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
  appsec_blocking: 'int',
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

// Its texts but `content_type` are pointers, because they have to be freed.
const VERDICT = koffi.struct({
  action: 'int',
  status: 'int',
  grpc_status: 'int',
  content_type: 'const char *',
  body: POINTER,
  body_len: 'size_t',
  location: POINTER,
  security_response_id: POINTER,
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
  #requests;

  constructor(library) {
    this.#start = library.func('datadog_agent_start_v2', START_RESULT, [koffi.pointer(OPTIONS)]);
    this.#free = library.func('datadog_free_string', 'void', [POINTER]);
    this.#lastError = library.func('datadog_agent_last_error', 'size_t', [POINTER, 'size_t']);
    this.#stop = library.func('datadog_agent_stop', 'int', [POINTER]);
    this.#wait = library.func('datadog_agent_wait_for_shutdown_timeout', 'int', [POINTER, 'int']);
    this.#requestShutdown = library.func('datadog_agent_request_shutdown', 'int', [POINTER]);
    this.#flush = library.func('datadog_agent_flush', 'int', [POINTER, 'int']);
    this.#requests = new Requests(library, this);
  }

  /** Those about requests of the firewall. */
  get requests() {
    return this.#requests;
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
      udsPath: this.taken(result.uds_path),
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
  taken(text) {
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

/** The functions about requests of the firewall. What fails throws. */
class Requests {
  #functions;
  #open;
  #add;
  #addBody;
  #verdict;
  #freeVerdict;
  #tags;
  #free;

  constructor(library, functions) {
    const name = (end) => `datadog_agent_appsec_${end}`;
    const given = koffi.out(koffi.pointer(POINTER));
    this.#functions = functions;
    this.#open = library.func(name('open'), 'int', [POINTER, 'uint32_t', given]);
    this.#add = library.func(name('add'), 'int', [POINTER, POINTER, 'size_t']);
    const body = [POINTER, 'const char *', POINTER, 'size_t', 'const char *'];
    this.#addBody = library.func(name('add_body'), 'int', body);
    this.#verdict = library.func(name('verdict'), 'int', [POINTER, koffi.out(koffi.pointer(VERDICT))]);
    this.#freeVerdict = library.func(name('verdict_free'), 'void', [koffi.pointer(VERDICT)]);
    this.#tags = library.func(name('tags'), 'int', [POINTER, POINTER, 'size_t', given]);
    this.#free = library.func(name('free'), 'int', [POINTER]);
  }

  /** Opens one; returns its pointer. */
  open(agent, flags) {
    const pointer = [null];
    this.#check(this.#open(agent, flags, pointer));
    return pointer[0];
  }

  add(request, json) {
    const bytes = Buffer.from(json);
    this.#check(this.#add(request, bytes, bytes.length));
  }

  addBody(request, address, body, contentType) {
    this.#check(this.#addBody(request, address, body, body.length, contentType));
  }

  /** Evaluates what it was given; the verdict by its names in C, its texts copied. */
  verdict(request) {
    const verdict = {};
    this.#check(this.#verdict(request, verdict));
    try {
      const text = (pointer) => (pointer === null ? null : koffi.decode.string(pointer));
      return {
        ...verdict,
        body: text(verdict.body),
        location: text(verdict.location),
        security_response_id: text(verdict.security_response_id),
      };
    } finally {
      this.#freeVerdict(verdict);
    }
  }

  /** Ends it; the tags of its span as JSON. */
  tags(request, span) {
    const bytes = span === null ? null : Buffer.from(span);
    const tags = [null];
    this.#check(this.#tags(request, bytes, bytes?.length ?? 0, tags));
    return this.#functions.taken(tags[0]);
  }

  free(request) {
    this.#free(request);
  }

  #check(code) {
    if (code !== DatadogError.OK) {
      throw this.#functions.failure(code);
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

module.exports = { OPTIONS, START_RESULT, VERDICT, open };
