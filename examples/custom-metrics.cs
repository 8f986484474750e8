// Every type of metric that DogStatsD knows, an event and a service check. No client library is needed: a metric is a
// line of text in a datagram.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using Datadog.AgentNative;

internal static class Program
{
    private const string Service = "example-custom-metrics";

    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        var config = new DatadogAgentConfig { Service = Service, Environment = "examples", LogLevel = LogLevel.Warn, DogStatsDEnabled = true };
        using (var agent = new NativeAgent(config))
        {
            Console.WriteLine("agent " + agent.Version + ": traces on port " + agent.BoundPort + ", metrics on port " + agent.DogStatsDPort);
            var begin = Now();

            // Many lines may share a datagram.
            Metric(agent, string.Join("\n", Lines));
            Metric(agent, "_e{8,21}:deployed|version 2 of the shop|t:success|#" + Tags);
            Metric(agent, "_sc|example.custom.database|0|#" + Tags);
            Console.WriteLine("sent " + Lines.Length + " metrics, an event and a service check");
            Post(agent, "/v0.4/traces", "[[{\"service\": \"" + Service + "\", \"name\": \"metrics.send\", \"resource\": \"send metrics\", \"trace_id\": 1, \"span_id\": 1, \"start\": " + begin + ", \"duration\": " + (Now() - begin + 1) + ", \"metrics\": {\"metrics.sent\": " + Lines.Length + "}}]]");
            Console.WriteLine("sent a trace: metrics.send");
            Post(agent, "/v1/input", "[{\"message\": \"metrics sent\", \"service\": \"" + Service + "\", \"status\": \"info\"}]");
            Console.WriteLine("sent a log: metrics sent");
            agent.Flush(TimeSpan.FromSeconds(10));
            Console.WriteLine("flushed");

            // The end of the agent closes the buckets of time that metrics are counted in, and sends them.
            agent.Stop();
            Console.WriteLine("stopped");
        }
    }

    private const string Tags = "service:" + Service + ",shop:berlin";

    private static readonly string[] Lines =
    {
        // Counted: the sum of ten seconds.
        "example.custom.orders:3|c|#" + Tags,

        // Counted by one in ten, and multiplied again by the agent.
        "example.custom.views:1|c|@0.1|#" + Tags,

        // Measured: the last value of ten seconds.
        "example.custom.queue:42|g|#" + Tags,

        // Percentiles and an average, worked out in the agent; several values in one line.
        "example.custom.basket:19.90:7.50:120|h|#" + Tags,

        // Percentiles over all hosts, worked out at the other end.
        "example.custom.latency:12:15:80|d|#" + Tags,

        // A duration in milliseconds.
        "example.custom.checkout:250|ms|#" + Tags,

        // How many different values there were.
        "example.custom.customers:ada|s|#" + Tags,
        "example.custom.customers:grace|s|#" + Tags,
    };

    private static void Post(NativeAgent agent, string path, string body)
    {
        using (var client = new TcpClient("127.0.0.1", agent.BoundPort.Value))
        {
            Exchange(client.GetStream(), path, body);
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

    private static void Metric(NativeAgent agent, string message)
    {
        using (var client = new UdpClient("127.0.0.1", agent.DogStatsDPort.Value))
        {
            var bytes = Encoding.UTF8.GetBytes(message);
            client.Send(bytes, bytes.Length);
        }
    }
}
