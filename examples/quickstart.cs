// The least that works: an agent in this process, and a trace, a metric and a log through it.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using Datadog.AgentNative;

internal static class Program
{
    private const string Service = "example-quickstart";

    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        var config = new DatadogAgentConfig { Service = Service, Environment = "examples", LogLevel = LogLevel.Warn, DogStatsDEnabled = true };
        using (var agent = new NativeAgent(config))
        {
            Console.WriteLine("agent " + agent.Version + ": traces on port " + agent.BoundPort + ", metrics on port " + agent.DogStatsDPort);

            // A tracer is told DD_TRACE_AGENT_URL; here the span is written by hand.
            Post(agent, "/v0.4/traces", "[[{\"service\": \"" + Service + "\", \"name\": \"order.place\", \"resource\": \"place order\", \"trace_id\": 1, \"span_id\": 1, \"start\": " + Now() + ", \"duration\": 12000000}]]");
            Console.WriteLine("sent a trace: order.place");
            Metric(agent, "example.quickstart.orders:1|c|#service:" + Service);
            Console.WriteLine("sent a metric: example.quickstart.orders");
            Post(agent, "/v1/input", "[{\"message\": \"order placed\", \"service\": \"" + Service + "\", \"status\": \"info\"}]");
            Console.WriteLine("sent a log: order placed");
            agent.Flush(TimeSpan.FromSeconds(10));
            Console.WriteLine("flushed");

            // The end of the agent closes the buckets of time that metrics are counted in, and sends them.
            agent.Stop();
            Console.WriteLine("stopped");
        }
    }

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
