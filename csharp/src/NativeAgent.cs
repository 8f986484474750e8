// An agent in this process.

using System;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Datadog.AgentNative
{
    /// <summary>An agent that runs in this process, until <see cref="Stop"/> or <see cref="Dispose"/>.</summary>
    /// <remarks>All members can be called from any thread.</remarks>
    public sealed class NativeAgent : IDisposable
    {
        /// <summary>How long one wait in C lasts, so that a cancellation is seen.</summary>
        private const int SliceMs = 100;

        private readonly AgentHandle handle;

        /// <summary>Starts an agent; every listener accepts when this returns.</summary>
        /// <param name="config">What it is started with; default: all from the environment, an ephemeral port.</param>
        /// <exception cref="DatadogAgentException">It could not be started; nothing of it is left.</exception>
        public NativeAgent(DatadogAgentConfig config = null)
        {
            NativeStartResult result;
            using (var texts = new NativeTexts())
            {
                result = NativeMethods.Start((config ?? new DatadogAgentConfig()).ToNative(texts));
            }

            DatadogAgentException.ThrowUnlessOk(result.Error);
            handle = new AgentHandle(result.Agent);
            Version = NativeMethods.Text(result.Version);
            BoundPort = PortOrNull(result.BoundPort);
            DogStatsDPort = PortOrNull(result.DogStatsDPort);
            UdsPath = NativeMethods.TakeText(result.UdsPath);
        }

        /// <summary>The version of the library.</summary>
        public string Version { get; }

        /// <summary>The TCP port of traces; <c>null</c> with a Unix socket.</summary>
        public int? BoundPort { get; }

        /// <summary>The UDP port of metrics; <c>null</c> while they are off.</summary>
        public int? DogStatsDPort { get; }

        /// <summary>The path of the Unix socket of traces; <c>null</c> with a TCP port.</summary>
        public string UdsPath { get; }

        /// <summary>Sends what every pipeline holds.</summary>
        /// <exception cref="DatadogAgentException">Something was not sent in time.</exception>
        public void Flush(TimeSpan deadline)
        {
            Call(agent => DatadogAgentException.ThrowUnlessOk(NativeMethods.Flush(agent, Milliseconds(deadline))));
        }

        /// <summary>Asks the agent to end, and wakes those who wait for it. <see cref="Stop"/> is still due.</summary>
        public void RequestShutdown()
        {
            Call(agent => DatadogAgentException.ThrowUnlessOk(NativeMethods.RequestShutdown(agent)));
        }

        /// <summary>Waits for the end of the agent, SIGINT or SIGTERM, which are taken from the runtime meanwhile.</summary>
        public ShutdownReason WaitForShutdown()
        {
            return Call(agent => Reason(NativeMethods.WaitForShutdown(agent)));
        }

        /// <summary>Waits for the end of the agent, and takes no signals.</summary>
        /// <returns><see cref="ShutdownReason.Timeout"/> if it does not come in time.</returns>
        public ShutdownReason WaitForShutdown(TimeSpan timeout)
        {
            return Call(agent => Reason(NativeMethods.WaitForShutdown(agent, Milliseconds(timeout))));
        }

        /// <summary>Waits for the end of the agent on a thread of its own, and takes no signals.</summary>
        /// <exception cref="OperationCanceledException">The wait was cancelled; the agent goes on.</exception>
        public Task<ShutdownReason> WaitForShutdownAsync(CancellationToken cancellation = default(CancellationToken))
        {
            return Task.Factory.StartNew(
                () => WaitInSlices(cancellation),
                cancellation,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
        }

        /// <summary>Sends what is left, within the deadline of <c>DD_SHUTDOWN_TIMEOUT</c>, and ends the agent. Does nothing the second time.</summary>
        /// <exception cref="DatadogAgentException">Something was not sent in time; the agent has ended all the same.</exception>
        public void Stop()
        {
            DatadogAgentException.ThrowUnlessOk(handle.Stop());
        }

        /// <summary>As <see cref="Stop"/>, but does not say what was not sent.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private ShutdownReason WaitInSlices(CancellationToken cancellation)
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                var reason = WaitForShutdown(TimeSpan.FromMilliseconds(SliceMs));
                if (reason != ShutdownReason.Timeout)
                {
                    return reason;
                }
            }
        }

        /// <summary>Keeps the agent from being freed while a call is under way.</summary>
        private T Call<T>(Func<IntPtr, T> act)
        {
            var held = false;
            try
            {
                handle.DangerousAddRef(ref held);
                var agent = handle.Pointer;
                if (agent == IntPtr.Zero)
                {
                    throw new ObjectDisposedException(nameof(NativeAgent));
                }

                return act(agent);
            }
            finally
            {
                if (held)
                {
                    handle.DangerousRelease();
                }
            }
        }

        private void Call(Action<IntPtr> act)
        {
            Call(agent =>
            {
                act(agent);
                return true;
            });
        }

        /// <summary>What a wait says; a stop on another thread can have come before it.</summary>
        private static ShutdownReason Reason(int number)
        {
            if (number < 0)
            {
                throw new ObjectDisposedException(nameof(NativeAgent));
            }

            return (ShutdownReason)number;
        }

        private static int? PortOrNull(int port)
        {
            return port < 0 ? (int?)null : port;
        }

        private static int Milliseconds(TimeSpan span)
        {
            if (span < TimeSpan.Zero || span.TotalMilliseconds > int.MaxValue)
            {
                throw new ArgumentOutOfRangeException(nameof(span), span, "between 0 and 24 days");
            }

            return (int)Math.Ceiling(span.TotalMilliseconds);
        }
    }

    /// <summary>The handle of an agent; ends it when it is collected, at the latest.</summary>
    internal sealed class AgentHandle : SafeHandle
    {
        internal AgentHandle(IntPtr agent)
            : base(IntPtr.Zero, ownsHandle: true)
        {
            SetHandle(agent);
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        internal IntPtr Pointer => handle;

        /// <summary>Ends the agent now, which wakes whoever still waits; once.</summary>
        internal DatadogError Stop()
        {
            var agent = Interlocked.Exchange(ref handle, IntPtr.Zero);
            if (agent == IntPtr.Zero)
            {
                return DatadogError.Ok;
            }

            var error = NativeMethods.Stop(agent);
            SetHandleAsInvalid();
            return error;
        }

        protected override bool ReleaseHandle()
        {
            var error = NativeMethods.Stop(Interlocked.Exchange(ref handle, IntPtr.Zero));
            return error == DatadogError.Ok || error == DatadogError.ShutdownError;
        }
    }
}
