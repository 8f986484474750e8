//go:build ignore

// Metrics of one's own over DogStatsD: counts, gauges, distributions, sets, an event and a service check.
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
		Service: "custom-metrics-go", Env: "demo", Mode: agent.EphemeralPort, DogStatsD: true, DogStatsDPort: agent.Ephemeral,
		Environment: map[string]string{"DD_LOGS_ENABLED": "true", "DD_TAGS": "team:shop"},
	})
	if err != nil {
		log.Fatal(err)
	}
	metrics, _ := running.DogStatsDPort()
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", metrics))
	if err != nil {
		log.Fatal(err)
	}
	lines := []string{
		"shop.orders:3|c|#language:go",
		"shop.queue_length:17|g|#language:go",
		"shop.visitors:alice|s|#language:go",
		"shop.visitors:bob|s|#language:go",
	}
	for ms := 1; ms <= 100; ms++ {
		lines = append(lines, fmt.Sprintf("shop.checkout_ms:%d|d|#language:go", ms))
	}
	// Several messages fit into one datagram.
	fmt.Fprint(socket, strings.Join(lines, "\n"))
	fmt.Fprint(socket, "_e{11,15}:deploy done|version 2 is up|t:success|#language:go")
	fmt.Fprint(socket, "_sc|shop.database|0|#language:go|m:answers")

	traces, _ := running.TracePort()
	span := fmt.Sprintf(`[[{"trace_id": 1, "span_id": 1, "name": "checkout", "resource": "checkout", "service": "custom-metrics-go", "start": %d, "duration": 1000000}]]`, time.Now().UnixNano())
	post(fmt.Sprintf("http://127.0.0.1:%d/v0.4/traces", traces), span)
	post(fmt.Sprintf("http://127.0.0.1:%d/v1/input", traces), `[{"message": "100 checkouts of custom-metrics-go"}]`)

	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Flush(within); err != nil {
		log.Fatal(err)
	}
	if err := running.Stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("sent %d samples, an event and a service check, a trace and a log\n", len(lines))
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
