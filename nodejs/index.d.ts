/**
 * An observability agent inside your program.
 *
 * It takes traces of Datadog's tracers and DogStatsD metrics on ports or sockets of this machine, and sends them to
 * Datadog. It runs on threads of its own, without JavaScript.
 */

/// <reference lib="esnext.disposable" />

/** How much the agent writes to standard error. */
export declare const LogLevel: {
  /** Errors only, unless `DD_LOG_LEVEL` says otherwise. */
  readonly ERROR: 0;
  readonly WARN: 2;
  readonly INFO: 3;
  readonly DEBUG: 4;
  readonly TRACE: 5;
};
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** Where the agent takes traces. */
export declare const OperationalMode: {
  /** On ports that are known beforehand, unless `DD_AGENT_MODE` says otherwise. */
  readonly HTTP_FIXED_PORT: 0;
  /** On a port of 127.0.0.1 that the system chooses. So is every other port; those that are named are ignored. */
  readonly HTTP_EPHEMERAL_PORT: 1;
  /** On a Unix socket. */
  readonly HTTP_UDS: 2;
};
export type OperationalMode = (typeof OperationalMode)[keyof typeof OperationalMode];

/** Why a wait for the agent's end is over. */
export declare const ShutdownReason: {
  /** SIGTERM, `requestShutdown`, `stop` or `stopAsync`. */
  readonly GRACEFUL_SHUTDOWN: 0;
  /** SIGINT. */
  readonly USER_INTERRUPT: 1;
  /** A part of the agent ended that must not end. */
  readonly FATAL_ERROR: 2;
  /** The time that was given for waiting is over. */
  readonly TIMEOUT: 3;
};
export type ShutdownReason = (typeof ShutdownReason)[keyof typeof ShutdownReason];

/** What became of a call into the library. */
export declare const DatadogError: {
  readonly OK: 0;
  /** There is no such agent: it was stopped. */
  readonly NULL_POINTER: 1;
  /** A text is not UTF-8, has a NUL in it, or is longer than 64 KiB. */
  readonly INVALID_STRING: 2;
  /** The configuration cannot be used, or there is no API key. */
  readonly CONFIG_ERROR: 3;
  /** The library is missing, or something that is needed before any listener. */
  readonly INIT_ERROR: 4;
  /** A listener could not be started; mostly its port is taken. */
  readonly STARTUP_ERROR: 5;
  /** The agent stopped, but not everything was delivered in time. */
  readonly SHUTDOWN_ERROR: 6;
  /** The operating system refused something. */
  readonly RUNTIME_ERROR: 7;
  /** What was submitted cannot be read. */
  readonly INVALID_DATA_FORMAT: 8;
  /** Something could not be sent in time, or a buffer is full. */
  readonly SUBMISSION_ERROR: 9;
  /** What was asked for is off. */
  readonly NOT_AVAILABLE: 10;
  readonly UNKNOWN_ERROR: 99;
};
export type DatadogError = (typeof DatadogError)[keyof typeof DatadogError];

/** A call into the library failed, or the library could not be loaded. */
export declare class DatadogAgentException extends Error {
  constructor(message: string, error?: DatadogError);
  readonly name: 'DatadogAgentException';
  /** Its code. */
  readonly error: DatadogError;
}

/** What a program can say about its agent. Whatever is `null` or `false` is left to the environment. */
export interface DatadogAgentOptions {
  /** `null`: `DD_API_KEY`. An agent does not start without a key. */
  apiKey?: string | null | undefined;
  /** `null`: `DD_SITE`, then `datadoghq.com`. */
  site?: string | null | undefined;
  /** `null`: `DD_SERVICE`. */
  service?: string | null | undefined;
  /** `null`: `DD_ENV`. */
  environment?: string | null | undefined;
  /** Of the program, not of the agent. `null`: `DD_VERSION`. */
  version?: string | null | undefined;
  /** Default `false`: `DD_APPSEC_ENABLED`. */
  appsecEnabled?: boolean | undefined;
  /** Default `true`. `false`: `DD_REMOTE_CONFIGURATION_ENABLED`, then off. */
  remoteConfigEnabled?: boolean | undefined;
  /** How much the agent writes to standard error; `RUST_LOG` goes above it. Default `INFO`. */
  logLevel?: LogLevel | undefined;
  /** Where the agent takes traces. Default `HTTP_EPHEMERAL_PORT`. */
  operationalMode?: OperationalMode | undefined;
  /** For traces, in `HTTP_FIXED_PORT`. `null`: 8126; default 0: one that the system chooses. */
  traceAgentPort?: number | null | undefined;
  /** Default `false`: `DD_DOGSTATSD_ENABLED`. */
  dogstatsdEnabled?: boolean | undefined;
  /** For DogStatsD, unless the mode is `HTTP_EPHEMERAL_PORT`. `null`: 8125; default 0: one that the system chooses. */
  dogstatsdPort?: number | null | undefined;
  /** Mode of the Unix socket's file. `null`: `DD_TRACE_AGENT_UDS_PERMISSIONS`, then 0o600. */
  traceAgentUdsPermissions?: number | null | undefined;
  /** Path of the Unix socket for traces, absolute and of at most 100 bytes. `null`: one in `/tmp`. */
  udsPath?: string | null | undefined;
  /** Of everything that is sent, such as `team:shop,region:eu`. `null`: `DD_TAGS`. */
  tags?: string | null | undefined;
  /** How many milliseconds a stop may take. `null`: `DD_SHUTDOWN_TIMEOUT`, then 30000. */
  shutdownTimeoutMs?: number | null | undefined;
  /** `DD_*` variables of this agent alone, which count above those of the environment. */
  settings?: Readonly<Record<string, string>> | null | undefined;
}

/** How to start an agent. */
export declare class DatadogAgentConfig {
  /** Throws a `TypeError` for an option that there is not. */
  constructor(options?: DatadogAgentOptions);
  apiKey: string | null;
  site: string | null;
  service: string | null;
  environment: string | null;
  version: string | null;
  appsecEnabled: boolean;
  remoteConfigEnabled: boolean;
  logLevel: LogLevel;
  operationalMode: OperationalMode;
  traceAgentPort: number | null;
  dogstatsdEnabled: boolean;
  dogstatsdPort: number | null;
  traceAgentUdsPermissions: number | null;
  udsPath: string | null;
  tags: string | null;
  shutdownTimeoutMs: number | null;
  settings: Readonly<Record<string, string>> | null;
}

/**
 * An agent in this process, started by the constructor. Like a server, it keeps the process alive until it is stopped
 * or `unref` is called. It belongs to the thread that started it.
 */
export declare class NativeAgent implements Disposable, AsyncDisposable {
  /**
   * Starts an agent, which takes connections as soon as this returns.
   *
   * Throws a `DatadogAgentException` if the library is missing, the configuration cannot be used, there is no API key,
   * or a port is taken.
   */
  constructor(config?: DatadogAgentConfig | DatadogAgentOptions);

  /** Of the library. */
  readonly version: string;
  /** TCP port for traces; `null` if they are taken on a Unix socket, or not at all. */
  readonly boundPort: number | null;
  /** UDP port for DogStatsD; `null` if that is off. */
  readonly dogstatsdPort: number | null;
  /** Unix socket for traces; `null` if they are taken on a port. */
  readonly udsPath: string | null;
  /** Whether it was not stopped. */
  get isRunning(): boolean;

  /**
   * Waits until something asks the agent to stop, for at most so many milliseconds. The agent still runs then.
   * Without a time, SIGINT and SIGTERM end the wait, next to what else the program does about them.
   */
  waitForShutdown(timeoutMs?: number | null): Promise<ShutdownReason>;
  /**
   * The same for what the agent itself says: nothing else happens in this thread meanwhile, no event and no handler of
   * a signal; SIGINT and SIGTERM end a program that has none.
   */
  waitForShutdownSync(timeoutMs?: number | null): ShutdownReason;
  /** Asks for a stop: whoever waits gets `GRACEFUL_SHUTDOWN`. */
  requestShutdown(): void;
  /** Sends what the agent holds, within so many milliseconds (5000). `false` if some of it has to be sent later. */
  flush(timeoutMs?: number): Promise<boolean>;
  /**
   * Sends what the agent holds, for as long as `DD_SHUTDOWN_TIMEOUT` says, and ends it; nothing else happens in this
   * thread meanwhile. `false`, and a warning of the process, if something was not delivered. Does nothing a second
   * time.
   */
  stop(): boolean;
  /** The same on another thread. */
  stopAsync(): Promise<boolean>;
  /** Lets the agent, and waits for its end, keep the process alive again. */
  ref(): this;
  /** Lets the process end while the agent runs; what it holds is then sent, for five seconds at most. */
  unref(): this;

  /** `stop`. */
  [Symbol.dispose](): void;
  /** `stopAsync`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the agent of this process, or returns it if it runs. `null`, and a line on standard error, if it cannot start.
 * Without a configuration, AppSec and DogStatsD are on, and the agent's log is at debug level.
 */
export declare function createInstance(config?: DatadogAgentConfig | DatadogAgentOptions | null): NativeAgent | null;

/** The agent of this process. Throws an `Error` if none runs. */
export declare function getInstance(): NativeAgent;
