// The C interface, and the only file that knows it.
//
// Texts are marshalled by hand, because the runtimes differ in how they marshal UTF-8.

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace Datadog.AgentNative
{
    /// <summary><c>DatadogAgentOptions</c>: 72 bytes, frozen.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeOptions
    {
        public IntPtr ApiKey;
        public IntPtr Site;
        public IntPtr Service;
        public IntPtr Env;
        public IntPtr Version;
        public int AppSecEnabled;
        public int RemoteConfigEnabled;
        public int LogLevel;
        public int OperationalMode;
        public int TraceAgentPort;
        public int DogStatsDEnabled;
        public int DogStatsDPort;
        public int TraceAgentUdsPermissions;
    }

    /// <summary><c>DatadogAgentStartResult</c>: 40 bytes, frozen.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeStartResult
    {
        public IntPtr Agent;
        public DatadogError Error;
        public IntPtr Version;
        public int BoundPort;
        public int DogStatsDPort;
        public IntPtr UdsPath;
    }

    internal static class NativeMethods
    {
        private const string Library = "datadog_agent_native";

#if NET
        static NativeMethods()
        {
            NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, LibraryLocation.Resolve);
        }
#endif

        [DllImport(Library, EntryPoint = "datadog_agent_start", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern NativeStartResult Start(NativeOptions options);

        [DllImport(Library, EntryPoint = "datadog_agent_stop", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern DatadogError Stop(IntPtr agent);

        [DllImport(Library, EntryPoint = "datadog_agent_wait_for_shutdown_timeout", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern int WaitForShutdown(IntPtr agent, int timeoutMs);

        [DllImport(Library, EntryPoint = "datadog_agent_wait_for_shutdown", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern int WaitForShutdown(IntPtr agent);

        [DllImport(Library, EntryPoint = "datadog_agent_request_shutdown", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern DatadogError RequestShutdown(IntPtr agent);

        [DllImport(Library, EntryPoint = "datadog_agent_flush", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern DatadogError Flush(IntPtr agent, int timeoutMs);

        [DllImport(Library, EntryPoint = "datadog_agent_abi_version", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        internal static extern int AbiVersion();

        [DllImport(Library, EntryPoint = "datadog_free_string", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        private static extern void FreeString(IntPtr text);

        [DllImport(Library, EntryPoint = "datadog_agent_last_error", CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        private static extern UIntPtr LastError(byte[] buffer, UIntPtr length);

        /// <summary>What the last call on this thread failed with.</summary>
        internal static string LastError()
        {
            var length = (int)LastError(null, UIntPtr.Zero);
            var buffer = new byte[length + 1];
            LastError(buffer, (UIntPtr)buffer.Length);
            return Encoding.UTF8.GetString(buffer, 0, length);
        }

        /// <summary>A text of the library; <c>null</c> for none.</summary>
        internal static string Text(IntPtr text)
        {
            if (text == IntPtr.Zero)
            {
                return null;
            }

            var length = 0;
            while (Marshal.ReadByte(text, length) != 0)
            {
                length++;
            }

            var bytes = new byte[length];
            Marshal.Copy(text, bytes, 0, length);
            return Encoding.UTF8.GetString(bytes);
        }

        /// <summary>A text of the library, which is given back to it.</summary>
        internal static string TakeText(IntPtr text)
        {
            var taken = Text(text);
            FreeString(text);
            return taken;
        }
    }

    /// <summary>Texts for one call, as C wants them; freed together.</summary>
    internal sealed class NativeTexts : IDisposable
    {
        private readonly List<IntPtr> texts = new List<IntPtr>();

        /// <summary>Copies a text, or gives NULL for none.</summary>
        internal IntPtr Add(string text, string name)
        {
            if (text == null)
            {
                return IntPtr.Zero;
            }

            if (text.IndexOf('\0') >= 0)
            {
                throw new ArgumentException("must not contain a NUL character", name);
            }

            var bytes = Encoding.UTF8.GetBytes(text);
            var copy = Marshal.AllocHGlobal(bytes.Length + 1);
            texts.Add(copy);
            Marshal.Copy(bytes, 0, copy, bytes.Length);
            Marshal.WriteByte(copy, bytes.Length, 0);
            return copy;
        }

        public void Dispose()
        {
            texts.ForEach(Marshal.FreeHGlobal);
            texts.Clear();
        }
    }
}
