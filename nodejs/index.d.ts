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
  /** Whether the program answers requests as the firewall's verdicts say; remote configuration is told so. */
  appsecBlocking?: boolean | undefined;
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
  appsecBlocking: boolean;
}

/** What should become of a request. */
export declare const AppSecAction: {
  /** It goes on. */
  readonly ALLOW: 0;
  /** It is answered with a page. */
  readonly BLOCK: 1;
  /** It is sent elsewhere. */
  readonly REDIRECT: 2;
};
export type AppSecAction = (typeof AppSecAction)[keyof typeof AppSecAction];

/** What should become of a request, and how to answer one that does not go on. */
export interface Verdict {
  readonly action: AppSecAction;
  /** Whether the request goes on. */
  readonly isAllowed: boolean;
  /** Of HTTP; `null` when the request goes on. */
  readonly status: number | null;
  /** Of gRPC, for those who speak it. */
  readonly grpcStatus: number | null;
  /** Of the body. */
  readonly contentType: string | null;
  /** `null` when there is none. */
  readonly body: string | null;
  /** Where a redirection leads. */
  readonly location: string | null;
  /** What the page and the event both show. */
  readonly securityResponseId: string | null;
}

/** What the entry span of the service is to carry. */
export interface SpanTags {
  meta: Record<string, string>;
  metrics: Record<string, number>;
  /** Of the whole trace; `null` if it keeps what it has. */
  priority: number | null;
}

/**
 * A request that the firewall looks at, opened by `NativeAgent.appsecRequest`. Give it what becomes known, and ask for a
 * verdict each time. It keeps its rules though its agent stops.
 */
export declare class AppSecRequest implements Disposable {
  private constructor();
  /**
   * Takes values by their addresses, such as `server.request.method`, `server.request.uri.raw`,
   * `server.request.headers.no_cookies` (`request.headers` as it is), `network.client.ip`; all or none of them.
   * Parameters of the query, cookies and the address of the client are told from these, unless they are given too.
   * `null` and `undefined` are nothing. Nothing is evaluated yet.
   *
   * Throws a `DatadogAgentException` for an address that there is not, and when the request is given more than 8 MiB.
   */
  add(addresses: Readonly<Record<string, unknown>>): void;
  /**
   * Takes the body of the request as it came. With a content type it is of that, and has no content encoding; without
   * one, the headers that were added before say what it is. What is no JSON, form, XML or text, or more than 1 MiB, is
   * counted and left alone.
   */
  addBody(body: Uint8Array | string, contentType?: string | null): void;
  /** The same of the response. */
  addResponseBody(body: Uint8Array | string, contentType?: string | null): void;
  /**
   * Evaluates what was added since the last time, in this thread, for five milliseconds a request at most unless
   * `DD_APPSEC_WAF_TIMEOUT` says otherwise. A request that was not to go on is not evaluated any more, so that the answer
   * to it goes on.
   */
  verdict(): Verdict;
  /**
   * Ends the request; what its service's entry span is to carry. What `span` has is not told again, but where there is
   * more to say.
   */
  tags(span?: { meta?: Readonly<Record<string, string>>; priority?: number | null } | null): SpanTags;
  /** Frees the request, wherever it stands. Does nothing a second time. */
  close(): void;
  /** `close`. */
  [Symbol.dispose](): void;
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
   * Opens a request for the firewall to look at, which is to be closed. `obeyed` says whether this program answers it as
   * its verdicts say, without which all of them are to go on; by default what `appsecBlocking` says.
   *
   * Throws a `DatadogAgentException`: with `NOT_AVAILABLE` while AppSec is off or cannot run, or where the library was
   * built without it; with `CONFIG_ERROR` if `obeyed` is more than what the configuration says.
   */
  appsecRequest(options?: { obeyed?: boolean }): AppSecRequest;
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
