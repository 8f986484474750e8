// What an agent is started with, as a host sets it; how it crosses into C is in NativeMethods.cs.

using System;

namespace Datadog.AgentNative
{
    /// <summary>How much the agent writes to standard error.</summary>
    public enum LogLevel
    {
        /// <summary>Only failures.</summary>
        Error = 0,

        /// <summary>Also what may need attention.</summary>
        Warn = 2,

        /// <summary>Also what happens in the large.</summary>
        Info = 3,

        /// <summary>Also details.</summary>
        Debug = 4,

        /// <summary>Everything.</summary>
        Trace = 5,
    }

    /// <summary>How the trace listener is reached.</summary>
    public enum OperationalMode
    {
        /// <summary>A known TCP port, unless <c>DD_AGENT_MODE</c> says otherwise.</summary>
        HttpFixedPort = 0,

        /// <summary>A TCP port that the system chooses.</summary>
        HttpEphemeralPort = 1,

        /// <summary>A Unix socket, and no TCP port for traces.</summary>
        HttpUds = 2,
    }

    /// <summary>Why an agent came to its end.</summary>
    public enum ShutdownReason
    {
        /// <summary>It was asked to, or the process was (SIGTERM).</summary>
        GracefulShutdown = 0,

        /// <summary>Ctrl+C.</summary>
        UserInterrupt = 1,

        /// <summary>A part of it that it cannot do without ended.</summary>
        FatalError = 2,

        /// <summary>The wait was over before the agent.</summary>
        Timeout = 3,
    }

    /// <summary>What an agent is started with. What is left <c>null</c> is taken from the environment.</summary>
    public sealed class DatadogAgentConfig
    {
        /// <summary>Authenticates at Datadog; needed here or as <c>DD_API_KEY</c>.</summary>
        public string ApiKey { get; set; }

        /// <summary>The site of the organisation, such as <c>datadoghq.eu</c>; default <c>datadoghq.com</c>.</summary>
        public string Site { get; set; }

        /// <summary>The service that what is sent belongs to.</summary>
        public string Service { get; set; }

        /// <summary>The environment that what is sent belongs to.</summary>
        public string Environment { get; set; }

        /// <summary>The version of the service.</summary>
        public string Version { get; set; }

        /// <summary>Turns on the web application firewall, if the library has it.</summary>
        public bool AppSecEnabled { get; set; }

        /// <summary>Turns on remote configuration; default on.</summary>
        public bool RemoteConfigEnabled { get; set; } = true;

        /// <summary>How much the agent says; default <see cref="AgentNative.LogLevel.Info"/>.</summary>
        public LogLevel LogLevel { get; set; } = LogLevel.Info;

        /// <summary>How the trace listener is reached; default an ephemeral port.</summary>
        public OperationalMode OperationalMode { get; set; } = OperationalMode.HttpEphemeralPort;

        /// <summary>The port of the trace listener in the mode with a fixed one: <c>null</c> for 8126, 0 to let the system choose.</summary>
        public int? TraceAgentPort { get; set; } = 0;

        /// <summary>Turns on the listener for metrics.</summary>
        public bool DogStatsDEnabled { get; set; }

        /// <summary>The UDP port of metrics: <c>null</c> for 8125, 0 to let the system choose.</summary>
        public int? DogStatsDPort { get; set; } = 0;

        /// <summary>Permissions of the file of the Unix socket, as in 384 for octal 600; <c>null</c> for those.</summary>
        public int? TraceAgentUdsPermissions { get; set; }

        internal NativeOptions ToNative(NativeTexts texts)
        {
            return new NativeOptions
            {
                ApiKey = texts.Add(ApiKey, nameof(ApiKey)),
                Site = texts.Add(Site, nameof(Site)),
                Service = texts.Add(Service, nameof(Service)),
                Env = texts.Add(Environment, nameof(Environment)),
                Version = texts.Add(Version, nameof(Version)),
                AppSecEnabled = AppSecEnabled ? 1 : 0,
                RemoteConfigEnabled = RemoteConfigEnabled ? 1 : 0,
                LogLevel = (int)LogLevel,
                OperationalMode = (int)OperationalMode,
                TraceAgentPort = TracePortInC(TraceAgentPort),
                DogStatsDEnabled = DogStatsDEnabled ? 1 : 0,
                DogStatsDPort = DogStatsDPort ?? -1,
                TraceAgentUdsPermissions = PermissionsInC(TraceAgentUdsPermissions),
            };
        }

        // In C, 0 is the port of the configuration and -1 one that the system chooses; for DogStatsD it is the other way round.
        private static int TracePortInC(int? port)
        {
            if (port == null)
            {
                return 0;
            }

            return port == 0 ? -1 : port.Value;
        }

        // In C, 0 and -1 are the default: a socket without any permissions would be of no use.
        private static int PermissionsInC(int? permissions)
        {
            if (permissions <= 0)
            {
                throw new ArgumentOutOfRangeException(nameof(TraceAgentUdsPermissions), permissions, "between 1 and 511 (octal 777)");
            }

            return permissions ?? -1;
        }
    }
}
