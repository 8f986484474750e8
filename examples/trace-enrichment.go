//go:build ignore

// Spans that say who asked, what for and why it failed, and a log and a metric that are found beside them.
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

const service = "example-trace-enrichment"

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

	begin := time.Now().UnixNano()
	failure := `"error": 1, "meta": {"env": "examples", "version": "2.1.0", "error.type": "PermissionError", "error.message": "card declined", `
	// On the first span of a service stands how the whole trace was sampled. 2: kept, because the program says so.
	checkout := fmt.Sprintf(`{"service": "%s", "name": "checkout", "resource": "POST /checkout", "trace_id": 7, "span_id": 1, "start": %d, "duration": 5000000, %s"span.kind": "server", "usr.id": "u-77"}, "metrics": {"cart.items": 3, "cart.total": 42.5, "_sampling_priority_v1": 2}}`, service, begin, failure)
	payment := fmt.Sprintf(`{"service": "%s", "name": "payment.charge", "resource": "charge card", "trace_id": 7, "span_id": 2, "parent_id": 1, "start": %d, "duration": 3000000, %s"span.kind": "client", "peer.service": "payments", "payment.provider": "acme"}}`, service, begin, failure)
	post(base+"/v0.4/traces", "[["+checkout+", "+payment+"]]")
	fmt.Println("sent a trace: checkout, with payment.charge, which failed")
	fmt.Fprintf(datagrams(running), "example.enrichment.declined:1|c|#service:%s,env:examples,payment.provider:acme", service)
	fmt.Println("sent a metric: example.enrichment.declined")
	// By the ids, the log is found beside the trace.
	post(base+"/v1/input", fmt.Sprintf(`[{"message": "the card was declined", "service": "%s", "status": "error", "ddtags": "env:examples,version:2.1.0", "dd.trace_id": "7", "dd.span_id": "2"}]`, service))
	fmt.Println("sent a log: the card was declined")

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
