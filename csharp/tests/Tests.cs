// What hosts in C# rely on, against a running development intake (INTAKE_URL). Ends with 1 if a test fails.

using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Datadog.AgentNative;

internal static class Tests
{
    private const string Key = "0123456789abcdef0123456789abcdef";

    // For what comes at once unless the machine is busy.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly Uri Intake = new Uri(Environment.GetEnvironmentVariable("INTAKE_URL") ?? throw new InvalidOperationException("INTAKE_URL must be the address of a running development intake"));

    private static int Main()
    {
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        var failed = 0;
        var all = new Dictionary<string, Action>
        {
            { "structs have the layout of the C interface", StructsHaveTheLayoutOfC },
            { "a trace, a metric and a log arrive", ATraceAMetricAndALogArrive },
            { "a start that fails says why", AStartThatFailsSaysWhy },
            { "a port in use is a startup error", APortInUseIsAStartupError },
            { "a Unix socket serves and goes", AUnixSocketServesAndGoes },
            { "a wait ends with a request, a cancellation or a stop", AWaitEnds },
            { "cycles leave nothing behind", CyclesLeaveNothingBehind },
        };
        foreach (var test in all)
        {
            try
            {
                test.Value();
                Console.WriteLine("ok - " + test.Key);
            }
            catch (Exception error)
            {
                failed++;
                Console.WriteLine("not ok - " + test.Key + "\n" + error);
            }
        }

        Console.WriteLine("csharp: " + (all.Count - failed) + " passed, " + failed + " failed");
        return failed == 0 ? 0 : 1;
    }

    private static void StructsHaveTheLayoutOfC()
    {
        var library = typeof(NativeAgent).Assembly;
        var options = library.GetType("Datadog.AgentNative.NativeOptions");
        var result = library.GetType("Datadog.AgentNative.NativeStartResult");
        Equal(72, Marshal.SizeOf(options));
        Equal(40, Marshal.SizeOf(result));
        var offsets = new[] { 0, 8, 16, 24, 32, 40, 44, 48, 52, 56, 60, 64, 68 };
        var fields = options.GetFields(BindingFlags.Public | BindingFlags.Instance);
        Equal(offsets.Length, fields.Length);
        for (var index = 0; index < offsets.Length; index++)
        {
            Equal(offsets[index], (int)Marshal.OffsetOf(options, fields[index].Name));
        }
    }

    private static void ATraceAMetricAndALogArrive()
    {
        var name = "csharp-" + Guid.NewGuid().ToString("N");
        using (var agent = new NativeAgent(ToIntake()))
        {
            True(agent.Version.Length > 0 && agent.UdsPath == null, "a version and no socket");
            var address = "http://127.0.0.1:" + agent.BoundPort;
            var start = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000000;
            Post(address + "/v0.4/traces", "[[{\"trace_id\":1,\"span_id\":1,\"name\":\"test.span\",\"resource\":\"" + name + "\",\"service\":\"csharp\",\"start\":" + start + ",\"duration\":1000}]]");
            Post(address + "/v1/input", "[{\"message\":\"log of " + name + "\"}]");
            using (var client = new UdpClient("127.0.0.1", agent.DogStatsDPort.Value))
            {
                var sample = Encoding.UTF8.GetBytes("csharp.test:1|c|#run:" + name);
                client.Send(sample, sample.Length);
            }

            agent.Flush(Patience);
            agent.Stop();
        }

        foreach (var kind in new[] { "traces", "logs", "series" })
        {
            Equal(1, Arrived(kind, name));
        }
    }

    private static void AStartThatFailsSaysWhy()
    {
        var config = ToIntake();
        config.ApiKey = null;
        Equal(DatadogError.ConfigError, Fails(() => new NativeAgent(config)).Error);
        config = ToIntake();
        config.OperationalMode = OperationalMode.HttpFixedPort;
        config.TraceAgentPort = 70000;
        var error = Fails(() => new NativeAgent(config));
        Equal(DatadogError.ConfigError, error.Error);
        True(error.Message.Contains("70000"), error.Message);
        config = ToIntake();
        config.Service = "a\0b";
        Throws<ArgumentException>(() => new NativeAgent(config));
        config = ToIntake();
        config.TraceAgentUdsPermissions = 0;
        Throws<ArgumentOutOfRangeException>(() => new NativeAgent(config));
    }

    private static void APortInUseIsAStartupError()
    {
        var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var config = ToIntake();
        config.OperationalMode = OperationalMode.HttpFixedPort;
        config.TraceAgentPort = ((IPEndPoint)taken.LocalEndpoint).Port;
        var error = Fails(() => new NativeAgent(config));
        taken.Stop();
        Equal(DatadogError.StartupError, error.Error);
        True(error.Message.Contains("Address already in use (port " + config.TraceAgentPort + ")"), error.Message);
    }

    private static void AUnixSocketServesAndGoes()
    {
        var config = ToIntake();
        config.OperationalMode = OperationalMode.HttpUds;
        using (var agent = new NativeAgent(config))
        {
            Equal(null, agent.BoundPort);
            True(agent.UdsPath.StartsWith("/tmp/dd-trace-", StringComparison.Ordinal), agent.UdsPath);
            True(File.Exists(agent.UdsPath), "the socket is there");
            agent.Stop();
            True(!File.Exists(agent.UdsPath), "the socket is gone");
        }
    }

    private static void AWaitEnds()
    {
        using (var agent = new NativeAgent(ToIntake()))
        {
            Equal(ShutdownReason.Timeout, agent.WaitForShutdown(TimeSpan.FromMilliseconds(20)));
            using (var cancellation = new CancellationTokenSource())
            {
                var cancelled = agent.WaitForShutdownAsync(cancellation.Token);
                cancellation.Cancel();
                Throws<AggregateException>(() => cancelled.Wait(Patience));
            }

            var waiting = agent.WaitForShutdownAsync();
            agent.RequestShutdown();
            True(waiting.Wait(Patience), "the wait ended");
            Equal(ShutdownReason.GracefulShutdown, waiting.Result);
            agent.Stop();
            agent.Stop();
            Throws<ObjectDisposedException>(() => agent.Flush(Patience));
            Throws<ObjectDisposedException>(() => agent.WaitForShutdown(Patience));
        }
    }

    private static void CyclesLeaveNothingBehind()
    {
        Cycle();
        var before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        for (var count = 0; count < 20; count++)
        {
            Cycle();
        }

        Equal(before, Directory.GetFileSystemEntries("/proc/self/fd").Length);
    }

    private static void Cycle()
    {
        using (var agent = new NativeAgent(ToIntake()))
        {
            agent.Stop();
        }
    }

    private static DatadogAgentConfig ToIntake()
    {
        return new DatadogAgentConfig
        {
            ApiKey = Key,
            Site = Intake.Authority,
            RemoteConfigEnabled = false,
            LogLevel = LogLevel.Warn,
            DogStatsDEnabled = true,
        };
    }

    private static void Post(string address, string json)
    {
        var status = Exchange("POST", new Uri(address), json, out var answer);
        True(status / 100 == 2, address + " answered " + status + ": " + answer);
    }

    private static int Arrived(string kind, string words)
    {
        Equal(200, Exchange("GET", new Uri(Intake, "/inspect/" + kind), string.Empty, out var answer));
        var found = 0;
        foreach (var line in answer.Split('\n'))
        {
            found += line.Contains(words) ? 1 : 0;
        }

        return found;
    }

    // Plain HTTP/1.0 over a socket: that needs no library but the runtime's own.
    private static int Exchange(string method, Uri address, string body, out string answer)
    {
        using (var client = new TcpClient(address.Host, address.Port))
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            var head = method + " " + address.PathAndQuery + " HTTP/1.0\r\nhost: " + address.Authority + "\r\ncontent-type: application/json\r\ncontent-length: " + bytes.Length + "\r\n\r\n";
            var stream = client.GetStream();
            stream.Write(Encoding.ASCII.GetBytes(head), 0, head.Length);
            stream.Write(bytes, 0, bytes.Length);
            var text = new StreamReader(stream, Encoding.UTF8).ReadToEnd();
            answer = text.Substring(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4);
            return int.Parse(text.Split(' ')[1]);
        }
    }

    private static DatadogAgentException Fails(Action act)
    {
        return Throws<DatadogAgentException>(act);
    }

    private static T Throws<T>(Action act)
        where T : Exception
    {
        try
        {
            act();
        }
        catch (T error)
        {
            return error;
        }

        throw new InvalidOperationException("no " + typeof(T).Name);
    }

    private static void Equal<T>(T expected, T actual)
    {
        True(EqualityComparer<T>.Default.Equals(expected, actual), "expected " + expected + ", got " + actual);
    }

    private static void True(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(what);
        }
    }
}
