// What a call of the agent fails with.

using System;

namespace Datadog.AgentNative
{
    /// <summary>The kinds of failure; the numbers are those of the C interface.</summary>
    public enum DatadogError
    {
        /// <summary>None.</summary>
        Ok = 0,

        /// <summary>Also what an agent answers that was stopped.</summary>
        NullPointer = 1,

        /// <summary>A text that is not UTF-8 or longer than 64 KiB.</summary>
        InvalidString = 2,

        /// <summary>A setting that the agent cannot start with.</summary>
        ConfigError = 3,

        /// <summary>A part of the agent that could not be made.</summary>
        InitError = 4,

        /// <summary>A listener that could not be bound.</summary>
        StartupError = 5,

        /// <summary>Something was not sent before the deadline of the stop.</summary>
        ShutdownError = 6,

        /// <summary>Input or output failed.</summary>
        RuntimeError = 7,

        /// <summary>Data that cannot be read.</summary>
        InvalidDataFormat = 8,

        /// <summary>Something was not taken, or not sent in time.</summary>
        SubmissionError = 9,

        /// <summary>A part of the agent that is off, or an agent of another process.</summary>
        NotAvailable = 10,

        /// <summary>None of the others.</summary>
        UnknownError = 99,
    }

    /// <summary>A call of the agent failed.</summary>
    public sealed class DatadogAgentException : Exception
    {
        internal DatadogAgentException(DatadogError error, string message)
            : base(message.Length > 0 ? message : "the agent failed: " + error)
        {
            Error = error;
        }

        /// <summary>What kind of failure it is.</summary>
        public DatadogError Error { get; }

        /// <summary>Throws unless <paramref name="error"/> is <see cref="DatadogError.Ok"/>.</summary>
        internal static void ThrowUnlessOk(DatadogError error)
        {
            if (error != DatadogError.Ok)
            {
                throw new DatadogAgentException(error, NativeMethods.LastError());
            }
        }
    }
}
