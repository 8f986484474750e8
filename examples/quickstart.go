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

func main() {
	// DD_API_KEY, DD_SITE and the rest come from the environment.
	running, err := agent.Start(agent.Config{
		Service:       "quickstart-go",
		Mode:          agent.EphemeralPort,
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

	// A tracer is told DD_TRACE_AGENT_URL; here the span is written by hand.
	span := fmt.Sprintf(`[[{"trace_id": 1, "span_id": 1, "name": "quickstart", "resource": "hello", "service": "quickstart-go", "start": %d, "duration": 1000000}]]`, time.Now().UnixNano())
	post(fmt.Sprintf("http://127.0.0.1:%d/v0.4/traces", traces), span)
	post(fmt.Sprintf("http://127.0.0.1:%d/v1/input", traces), `[{"message": "hello from quickstart-go"}]`)
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", metrics))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(socket, "quickstart.hello:1|c|#language:go")

	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Flush(within); err != nil {
		log.Fatal(err)
	}
	// Stop closes the metric's bucket of time, and sends it.
	if err := running.Stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent a trace, a metric and a log")
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
