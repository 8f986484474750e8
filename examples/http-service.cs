// A web service that makes a span, a metric and a log of every request. It asks itself three times, and ends.

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Datadog.AgentNative;

internal static class Program
{
    private const string Service = "example-http-service";

    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment. Logs are taken on the port of traces too.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        var config = new DatadogAgentConfig { Service = Service, Environment = "examples", LogLevel = LogLevel.Warn, DogStatsDEnabled = true };
        using (var agent = new NativeAgent(config))
        {
            Console.WriteLine("agent " + agent.Version + ": traces on port " + agent.BoundPort + ", metrics on port " + agent.DogStatsDPort);
            var shop = new TcpListener(IPAddress.Loopback, 0);
            shop.Start();
            var port = ((IPEndPoint)shop.LocalEndpoint).Port;
            for (var number = 1; number <= 3; number++)
            {
                var path = "/orders/" + number;
                var visit = Task.Run(() => Visit(port, path));
                Serve(agent, shop);
                Console.WriteLine("GET " + path + ": " + visit.Result);
            }

            shop.Stop();
            agent.Flush(TimeSpan.FromSeconds(10));
            Console.WriteLine("flushed");

            // The end of the agent closes the buckets of time that metrics are counted in, and sends them.
            agent.Stop();
            Console.WriteLine("stopped");
        }
    }

    private static string Visit(int port, string path)
    {
        using (var client = new TcpClient("127.0.0.1", port))
        {
            var stream = client.GetStream();
            var request = Encoding.ASCII.GetBytes("GET " + path + " HTTP/1.0\r\n\r\n");
            stream.Write(request, 0, request.Length);
            return new StreamReader(stream).ReadToEnd().Split(' ')[1];
        }
    }

    // Takes one request, tells the agent of it, and answers.
    private static void Serve(NativeAgent agent, TcpListener shop)
    {
        using (var client = shop.AcceptTcpClient())
        {
            var begin = Now();
            var stream = client.GetStream();
            var path = new StreamReader(stream).ReadLine().Split(' ')[1];
            var order = path == "/orders/1" ? "tea" : path == "/orders/2" ? "milk" : null;
            var status = order == null ? 404 : 200;
            Report(agent, path, status, begin);
            var answer = Encoding.ASCII.GetBytes("HTTP/1.0 " + status + " -\r\n\r\n" + (order ?? "no such order"));
            stream.Write(answer, 0, answer.Length);
        }
    }

    private static void Report(NativeAgent agent, string path, int status, long begin)
    {
        var id = BitConverter.ToUInt32(Guid.NewGuid().ToByteArray(), 0) + 1L;
        var span = "\"service\": \"" + Service + "\", \"name\": \"http.request\", \"resource\": \"GET /orders/{number}\", \"type\": \"web\", \"trace_id\": " + id + ", \"span_id\": " + id;
        var time = "\"start\": " + begin + ", \"duration\": " + (Now() - begin + 1);
        var meta = "\"meta\": {\"span.kind\": \"server\", \"http.method\": \"GET\", \"http.url\": \"" + path + "\", \"http.status_code\": \"" + status + "\"}";
        Post(agent, "/v0.4/traces", "[[{" + span + ", " + time + ", " + meta + "}]]");
        Metric(agent, "example.http.requests:1|c|#service:" + Service + ",status:" + status);
        Post(agent, "/v1/input", "[{\"message\": \"GET " + path + " answered " + status + "\", \"service\": \"" + Service + "\", \"dd.trace_id\": \"" + id + "\", \"dd.span_id\": \"" + id + "\"}]");
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
