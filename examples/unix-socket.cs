// Traces, metrics and logs through one Unix socket of which only this user may write to the file.

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Datadog.AgentNative;

internal static class Program
{
    private const string Service = "example-unix-socket";

    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        var config = new DatadogAgentConfig { Service = Service, Environment = "examples", LogLevel = LogLevel.Warn, DogStatsDEnabled = true, OperationalMode = OperationalMode.HttpUds };
        using (var agent = new NativeAgent(config))
        {
            Console.WriteLine("agent " + agent.Version + ": traces, metrics and logs on " + agent.UdsPath);
            Post(agent, "/v0.4/traces", "[[{\"service\": \"" + Service + "\", \"name\": \"file.read\", \"resource\": \"read a file\", \"trace_id\": 1, \"span_id\": 1, \"start\": " + Now() + ", \"duration\": 3000000}]]");
            Console.WriteLine("sent a trace: file.read");

            // What a client of DogStatsD would send as a datagram.
            Post(agent, "/dogstatsd/v2/proxy", "example.unix_socket.files:1|c|#service:" + Service);
            Console.WriteLine("sent a metric: example.unix_socket.files");
            Post(agent, "/v1/input", "[{\"message\": \"file read\", \"service\": \"" + Service + "\", \"status\": \"info\"}]");
            Console.WriteLine("sent a log: file read");
            agent.Flush(TimeSpan.FromSeconds(10));
            Console.WriteLine("flushed");

            // The end of the agent closes the buckets of time that metrics are counted in, and sends them.
            agent.Stop();
            Console.WriteLine("stopped, and the socket is " + (File.Exists(agent.UdsPath) ? "still there" : "gone"));
        }
    }

    private static void Post(NativeAgent agent, string path, string body)
    {
        // .NET has UnixDomainSocketEndPoint for it; Mono only the plain address.
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Connect(new UnixAddress(agent.UdsPath));
            Exchange(new NetworkStream(socket), path, body);
        }
    }

    // Plain HTTP, so that the example needs nothing but the runtime.
    private static void Exchange(Stream stream, string path, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        var head = Encoding.ASCII.GetBytes("POST " + path + " HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: " + body.Length + "\r\n\r\n");
        stream.Write(head, 0, head.Length);
        stream.Write(body, 0, body.Length);
        var answer = new StreamReader(stream, Encoding.UTF8).ReadToEnd();
        if (!answer.StartsWith("HTTP/1.0 2", StringComparison.Ordinal) && !answer.StartsWith("HTTP/1.1 2", StringComparison.Ordinal))
        {
            throw new IOException(path + ": " + answer);
        }
    }

    private static long Now()
    {
        return DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000000;
    }
}

/// <summary>The address of a Unix socket.</summary>
internal sealed class UnixAddress : EndPoint
{
    private readonly string path;

    internal UnixAddress(string path)
    {
        this.path = path;
    }

    public override AddressFamily AddressFamily
    {
        get { return AddressFamily.Unix; }
    }

    public override SocketAddress Serialize()
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        var address = new SocketAddress(AddressFamily.Unix, bytes.Length + 3);
        for (var index = 0; index < bytes.Length; index++)
        {
            address[index + 2] = bytes[index];
        }

        return address;
    }

    public override EndPoint Create(SocketAddress address)
    {
        return this;
    }
}
