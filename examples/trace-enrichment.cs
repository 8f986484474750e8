// Spans that say who asked, what for and why it failed, and a log and a metric that are found beside them.

using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using Datadog.AgentNative;

internal static class Program
{
    private const string Service = "example-trace-enrichment";

    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        var config = new DatadogAgentConfig { Service = Service, Environment = "examples", LogLevel = LogLevel.Warn, DogStatsDEnabled = true, Version = "2.1.0" };
        using (var agent = new NativeAgent(config))
        {
            Console.WriteLine("agent " + agent.Version + ": traces on port " + agent.BoundPort + ", metrics on port " + agent.DogStatsDPort);
            const string Failure = "\"error\": 1, \"meta\": {\"env\": \"examples\", \"version\": \"2.1.0\", \"error.type\": \"PermissionError\", \"error.message\": \"card declined\", ";

            // On the first span of a service stands how the whole trace was sampled. 2: kept, because the program says so.
            var checkout = "{\"service\": \"" + Service + "\", \"name\": \"checkout\", \"resource\": \"POST /checkout\", \"trace_id\": 7, \"span_id\": 1, \"start\": " + Now() + ", \"duration\": 5000000, " + Failure + "\"span.kind\": \"server\", \"usr.id\": \"u-77\"}, \"metrics\": {\"cart.items\": 3, \"cart.total\": 42.5, \"_sampling_priority_v1\": 2}}";
            var payment = "{\"service\": \"" + Service + "\", \"name\": \"payment.charge\", \"resource\": \"charge card\", \"trace_id\": 7, \"span_id\": 2, \"parent_id\": 1, \"start\": " + Now() + ", \"duration\": 3000000, " + Failure + "\"span.kind\": \"client\", \"peer.service\": \"payments\", \"payment.provider\": \"acme\"}}";
            Post(agent, "/v0.4/traces", "[[" + checkout + ", " + payment + "]]");
            Console.WriteLine("sent a trace: checkout, with payment.charge, which failed");
            Metric(agent, "example.enrichment.declined:1|c|#service:" + Service + ",env:examples,payment.provider:acme");
            Console.WriteLine("sent a metric: example.enrichment.declined");

            // By the ids, the log is found beside the trace.
            Post(agent, "/v1/input", "[{\"message\": \"the card was declined\", \"service\": \"" + Service + "\", \"status\": \"error\", \"ddtags\": \"env:examples,version:2.1.0\", \"dd.trace_id\": \"7\", \"dd.span_id\": \"2\"}]");
            Console.WriteLine("sent a log: the card was declined");
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
