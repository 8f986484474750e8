// A web service that makes a span, a metric and a log of every request; it serves three and ends.

using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Datadog.AgentNative;

internal static class Program
{
    private static void Main()
    {
        // DD_API_KEY, DD_SITE and the rest come from the environment.
        Environment.SetEnvironmentVariable("DD_LOGS_ENABLED", "true");
        Environment.SetEnvironmentVariable("DD_LOGS_AGENT_PORT", "0");
        using (var agent = new NativeAgent(new DatadogAgentConfig { Service = "http-service-csharp", DogStatsDEnabled = true }))
        {
            var service = new TcpListener(IPAddress.Loopback, 0);
            service.Start();
            var port = ((IPEndPoint)service.LocalEndpoint).Port;
            foreach (var path in new[] { "/hello", "/broken", "/missing" })
            {
                var visitor = Task.Run(() => Visit(port, path));
                Serve(agent, service);
                Console.WriteLine("GET " + path + " " + visitor.Result);
            }

            service.Stop();
            agent.Flush(TimeSpan.FromSeconds(10));
            agent.Stop();
            Console.WriteLine("sent a trace, a metric and a log of each");
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

    // Takes one request, answers it, and makes a span, a count and a line of log of it.
    private static void Serve(NativeAgent agent, TcpListener service)
    {
        using (var client = service.AcceptTcpClient())
        {
            var start = Now();
            var stream = client.GetStream();
            var path = new StreamReader(stream).ReadLine().Split(' ')[1];
            var status = path == "/hello" ? 200 : path == "/broken" ? 500 : 404;
            var answer = Encoding.ASCII.GetBytes("HTTP/1.0 " + status + " -\r\ncontent-length: 0\r\n\r\n");
            stream.Write(answer, 0, answer.Length);
            Report(agent, path, status, start);
        }
    }

    private static void Report(NativeAgent agent, string path, int status, long start)
    {
        var id = BitConverter.ToUInt32(Guid.NewGuid().ToByteArray(), 0) + 1;
        var span = "\"trace_id\": " + id + ", \"span_id\": " + id + ", \"name\": \"http.request\", \"resource\": \"GET " + path + "\", \"service\": \"http-service-csharp\", \"type\": \"web\"";
        var time = "\"start\": " + start + ", \"duration\": " + (Now() - start + 1) + ", \"error\": " + (status >= 500 ? 1 : 0);
        var meta = "\"meta\": {\"http.method\": \"GET\", \"http.url\": \"" + path + "\", \"http.status_code\": \"" + status + "\"}, \"metrics\": {\"_sampling_priority_v1\": 1}";
        Post(agent, "/v0.4/traces", "[[{" + span + ", " + time + ", " + meta + "}]]");
        Post(agent, "/v1/input", "[{\"message\": \"GET " + path + " " + status + "\"}]");
        Metric(agent, "http_service.requests:1|c|#language:csharp,status:" + status);
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
