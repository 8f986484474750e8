// Metrics of one's own over DogStatsD: counts, gauges, distributions, sets, an event and a service check.

using System;
using System.Collections.Generic;
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
        Environment.SetEnvironmentVariable("DD_TAGS", "team:shop");
        using (var agent = new NativeAgent(new DatadogAgentConfig { Service = "custom-metrics-csharp", Environment = "demo", DogStatsDEnabled = true }))
        {
            var lines = new List<string>
            {
                "shop.orders:3|c|#language:csharp",
                "shop.queue_length:17|g|#language:csharp",
                "shop.visitors:alice|s|#language:csharp",
                "shop.visitors:bob|s|#language:csharp",
            };
            for (var ms = 1; ms <= 100; ms++)
            {
                lines.Add("shop.checkout_ms:" + ms + "|d|#language:csharp");
            }

            // Several messages fit into one datagram.
            Metric(agent, string.Join("\n", lines));
            Metric(agent, "_e{11,15}:deploy done|version 2 is up|t:success|#language:csharp");
            Metric(agent, "_sc|shop.database|0|#language:csharp|m:answers");

            Post(agent, "/v0.4/traces", "[[{\"trace_id\": 1, \"span_id\": 1, \"name\": \"checkout\", \"resource\": \"checkout\", \"service\": \"custom-metrics-csharp\", \"start\": " + Now() + ", \"duration\": 1000000}]]");
            Post(agent, "/v1/input", "[{\"message\": \"100 checkouts of custom-metrics-csharp\"}]");
            agent.Flush(TimeSpan.FromSeconds(10));
            agent.Stop();
            Console.WriteLine("sent " + lines.Count + " samples, an event and a service check, a trace and a log");
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
