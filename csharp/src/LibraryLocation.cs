// Where .NET finds the library. Mono looks along LD_LIBRARY_PATH, or where a .dll.config says.

#if NET
using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Datadog.AgentNative
{
    internal static class LibraryLocation
    {
        private const string Variable = "DATADOG_AGENT_NATIVE_LIBRARY_PATH";

        internal static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
        {
            foreach (var path in Candidates(assembly))
            {
                if (File.Exists(path) && NativeLibrary.TryLoad(path, out var library))
                {
                    return library;
                }
            }

            return IntPtr.Zero;
        }

        private static IEnumerable<string> Candidates(Assembly assembly)
        {
            var given = Environment.GetEnvironmentVariable(Variable);
            if (!string.IsNullOrEmpty(given))
            {
                yield return Directory.Exists(given) ? Path.Combine(given, FileName) : given;
            }

            var folder = Path.GetDirectoryName(assembly.Location) ?? AppContext.BaseDirectory;
            yield return Path.Combine(folder, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", FileName);
            yield return Path.Combine(folder, FileName);
        }

        private static string FileName
        {
            get
            {
                if (RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
                {
                    return "datadog_agent_native.dll";
                }

                return RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "libdatadog_agent_native.dylib" : "libdatadog_agent_native.so";
            }
        }
    }
}
#endif
