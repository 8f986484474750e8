//go:build ignore

// Every type of metric that DogStatsD knows, an event and a service check. No client library is needed: a metric is a
// line of text in a datagram.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	agent "github.com/datadog-agent-native/datadog-agent-native/go"
)

const service = "example-custom-metrics"

func main() {
	// DD_API_KEY, DD_SITE and the rest come from the environment.
	running, err := agent.Start(agent.Config{
		Service:       service,
		Env:           "examples",
		Mode:          agent.EphemeralPort,
		LogLevel:      agent.LogWarn,
		DogStatsD:     true,
		DogStatsDPort: agent.Ephemeral,
		Environment:   map[string]string{"DD_LOGS_ENABLED": "true"},
	})
	if err != nil {
		log.Fatal(err)
	}
	traces, _ := running.TracePort()
	metrics, _ := running.DogStatsDPort()
	fmt.Printf("agent %s: traces on port %d, metrics on port %d\n", running.Version(), traces, metrics)
	base := fmt.Sprintf("http://127.0.0.1:%d", traces)

	begin := time.Now()
	socket := datagrams(running)
	// Many lines may share a datagram.
	fmt.Fprint(socket, strings.Join(lines, "\n"))
	fmt.Fprintf(socket, "_e{8,21}:deployed|version 2 of the shop|t:success|#%s", tags)
	fmt.Fprintf(socket, "_sc|example.custom.database|0|#%s", tags)
	fmt.Printf("sent %d metrics, an event and a service check\n", len(lines))
	post(base+"/v0.4/traces", fmt.Sprintf(`[[{"service": "%s", "name": "metrics.send", "resource": "send metrics", "trace_id": 1, "span_id": 1, "start": %d, "duration": %d, "metrics": {"metrics.sent": %d}}]]`, service, begin.UnixNano(), time.Since(begin), len(lines)))
	fmt.Println("sent a trace: metrics.send")
	post(base+"/v1/input", fmt.Sprintf(`[{"message": "metrics sent", "service": "%s", "status": "info"}]`, service))
	fmt.Println("sent a log: metrics sent")

	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Flush(within); err != nil {
		log.Fatal(err)
	}
	fmt.Println("flushed")
	// The end of the agent closes the buckets of time that metrics are counted in, and sends them.
	if err := running.Stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("stopped")
}

const tags = "service:" + service + ",shop:berlin"

var lines = []string{
	// Counted: the sum of ten seconds.
	"example.custom.orders:3|c|#" + tags,
	// Counted by one in ten, and multiplied again by the agent.
	"example.custom.views:1|c|@0.1|#" + tags,
	// Measured: the last value of ten seconds.
	"example.custom.queue:42|g|#" + tags,
	// Percentiles and an average, worked out in the agent; several values in one line.
	"example.custom.basket:19.90:7.50:120|h|#" + tags,
	// Percentiles over all hosts, worked out at the other end.
	"example.custom.latency:12:15:80|d|#" + tags,
	// A duration in milliseconds.
	"example.custom.checkout:250|ms|#" + tags,
	// How many different values there were.
	"example.custom.customers:ada|s|#" + tags,
	"example.custom.customers:grace|s|#" + tags,
}

func post(url, body string) {
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		log.Fatalf("%s: %s", url, answer.Status)
	}
}

// datagrams opens a way for metrics to the agent.
func datagrams(running *agent.Agent) net.Conn {
	port, _ := running.DogStatsDPort()
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		log.Fatal(err)
	}
	return socket
}
