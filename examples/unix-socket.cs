// Traces over a Unix socket: no TCP port is opened for them.

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Datadog.AgentNative;

internal static class Program
{
    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        using (var agent = new NativeAgent(new DatadogAgentConfig { Service = "unix-socket-csharp", OperationalMode = OperationalMode.HttpUds, DogStatsDEnabled = true }))
        {
            Console.WriteLine("traces on " + agent.UdsPath);
            Post(agent, "/v0.4/traces", "[[{\"trace_id\": 1, \"span_id\": 1, \"name\": \"unix.socket\", \"resource\": \"hello\", \"service\": \"unix-socket-csharp\", \"start\": " + Now() + ", \"duration\": 1000000}]]");
            Post(agent, "/v1/input", "[{\"message\": \"hello from unix-socket-csharp\"}]");
            Metric(agent, "unix_socket.hello:1|c|#language:csharp");
            agent.Flush(TimeSpan.FromSeconds(10));
            agent.Stop();
            Console.WriteLine("sent a trace, a metric and a log; the socket is " + (File.Exists(agent.UdsPath) ? "still there" : "gone"));
        }
    }

    private static long Now()
    {
        return DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000000;
    }

    private static void Metric(NativeAgent agent, string message)
    {
        using (var client = new UdpClient("127.0.0.1", agent.DogStatsDPort.Value))
        {
            var bytes = Encoding.UTF8.GetBytes(message);
            client.Send(bytes, bytes.Length);
        }
    }

    private static void Post(NativeAgent agent, string path, string json)
    {
        // In .NET there is UnixDomainSocketEndPoint for it; Mono has only the plain address.
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Connect(new UnixAddress(agent.UdsPath));
            Exchange(new NetworkStream(socket), path, json);
        }
    }

    // Plain HTTP, so that the example needs nothing but the runtime.
    private static void Exchange(Stream stream, string path, string json)
    {
        var body = Encoding.UTF8.GetBytes(json);
        var head = Encoding.ASCII.GetBytes("POST " + path + " HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: " + body.Length + "\r\n\r\n");
        stream.Write(head, 0, head.Length);
        stream.Write(body, 0, body.Length);
        var answer = new StreamReader(stream, Encoding.UTF8).ReadToEnd();
        if (!answer.StartsWith("HTTP/1.0 2", StringComparison.Ordinal) && !answer.StartsWith("HTTP/1.1 2", StringComparison.Ordinal))
        {
            throw new IOException(path + ": " + answer);
        }
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
