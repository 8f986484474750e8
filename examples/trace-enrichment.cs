// What the agent does with spans on their way: it adds the tags of the service and of DD_TAGS, takes the values out of
// SQL, and works out stats.

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
        Environment.SetEnvironmentVariable("DD_TAGS", "team:shop,region:north");
        using (var agent = new NativeAgent(new DatadogAgentConfig { Service = "trace-enrichment-csharp", Environment = "demo", Version = "2.0.1", DogStatsDEnabled = true }))
        {
            var time = "\"service\": \"trace-enrichment-csharp\", \"start\": " + Now() + ", \"duration\": 3000000";

            // A request and the query that it makes; the agent replaces 4711 and 'alice' by ? in the second.
            var request = "{\"trace_id\": 7, \"span_id\": 1, \"name\": \"http.request\", \"resource\": \"GET /orders\", \"type\": \"web\", \"meta\": {\"http.status_code\": \"200\"}, " + time + "}";
            var query = "{\"trace_id\": 7, \"span_id\": 2, \"parent_id\": 1, \"name\": \"postgres.query\", \"resource\": \"SELECT * FROM orders WHERE id = 4711 AND customer = 'alice'\", \"type\": \"sql\", " + time + "}";
            Post(agent, "/v0.4/traces", "[[" + request + ", " + query + "]]");
            Post(agent, "/v1/input", "[{\"message\": \"orders of trace-enrichment-csharp were read\"}]");
            Metric(agent, "trace_enrichment.orders:1|c|#language:csharp");
            agent.Flush(TimeSpan.FromSeconds(10));
            agent.Stop();
            Console.WriteLine("sent a trace of two spans, a metric and a log");
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
