//go:build ignore

// The least that works: an agent in this process, and a trace, a metric and a log through it.
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

const service = "example-quickstart"

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

	// A tracer is told DD_TRACE_AGENT_URL; here the span is written by hand.
	post(base+"/v0.4/traces", fmt.Sprintf(`[[{"service": "%s", "name": "order.place", "resource": "place order", "trace_id": 1, "span_id": 1, "start": %d, "duration": 12000000}]]`, service, time.Now().UnixNano()))
	fmt.Println("sent a trace: order.place")
	fmt.Fprintf(datagrams(running), "example.quickstart.orders:1|c|#service:%s", service)
	fmt.Println("sent a metric: example.quickstart.orders")
	post(base+"/v1/input", fmt.Sprintf(`[{"message": "order placed", "service": "%s", "status": "info"}]`, service))
	fmt.Println("sent a log: order placed")

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
