// The least that works: an agent in this process, and a trace, a metric and a log through it.

using System;
using System.IO;
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
        using (var agent = new NativeAgent(new DatadogAgentConfig { Service = "quickstart-csharp", DogStatsDEnabled = true }))
        {
            Console.WriteLine("agent " + agent.Version + ": traces on port " + agent.BoundPort + ", metrics on port " + agent.DogStatsDPort);

            // A tracer is told DD_TRACE_AGENT_URL; here the span is written by hand.
            Post(agent, "/v0.4/traces", "[[{\"trace_id\": 1, \"span_id\": 1, \"name\": \"quickstart\", \"resource\": \"hello\", \"service\": \"quickstart-csharp\", \"start\": " + Now() + ", \"duration\": 1000000}]]");
            Post(agent, "/v1/input", "[{\"message\": \"hello from quickstart-csharp\"}]");
            Metric(agent, "quickstart.hello:1|c|#language:csharp");

            agent.Flush(TimeSpan.FromSeconds(10));

            // The end of the agent closes the metric's bucket of time, and sends it.
            agent.Stop();
            Console.WriteLine("sent a trace, a metric and a log");
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
        using (var client = new TcpClient("127.0.0.1", agent.BoundPort.Value))
        {
            Exchange(client.GetStream(), path, json);
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
