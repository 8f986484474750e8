//go:build ignore

// What the agent does with spans on their way: it adds the tags of the service and of DD_TAGS, takes the values out of
// SQL, and works out stats.
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

func main() {
	running, err := agent.Start(agent.Config{
		Service: "trace-enrichment-go", Env: "demo", Version: "2.0.1", Mode: agent.EphemeralPort, DogStatsD: true, DogStatsDPort: agent.Ephemeral,
		Environment: map[string]string{"DD_LOGS_ENABLED": "true", "DD_TAGS": "team:shop,region:north"},
	})
	if err != nil {
		log.Fatal(err)
	}
	traces, _ := running.TracePort()
	now := time.Now().UnixNano()
	// A request and the query that it makes; the agent replaces 4711 and 'alice' by ? in the second.
	spans := fmt.Sprintf(`[[
		{"trace_id": 7, "span_id": 1, "name": "http.request", "resource": "GET /orders", "service": "trace-enrichment-go", "type": "web", "start": %[1]d, "duration": 5000000, "meta": {"http.status_code": "200"}},
		{"trace_id": 7, "span_id": 2, "parent_id": 1, "name": "postgres.query", "resource": "SELECT * FROM orders WHERE id = 4711 AND customer = 'alice'", "service": "trace-enrichment-go", "type": "sql", "start": %[1]d, "duration": 3000000}
	]]`, now)
	post(fmt.Sprintf("http://127.0.0.1:%d/v0.4/traces", traces), spans)
	post(fmt.Sprintf("http://127.0.0.1:%d/v1/input", traces), `[{"message": "orders of trace-enrichment-go were read"}]`)
	metrics, _ := running.DogStatsDPort()
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", metrics))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(socket, "trace_enrichment.orders:1|c|#language:go")

	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Flush(within); err != nil {
		log.Fatal(err)
	}
	if err := running.Stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent a trace of two spans, a metric and a log")
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
