//go:build ignore

// A web service that makes a span, a metric and a log of every request. It asks itself three times, and ends.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	agent "github.com/datadog-agent-native/datadog-agent-native/go"
)

const service = "example-http-service"

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

	shop := httptest.NewServer(observed(http.HandlerFunc(orders), base, datagrams(running)))
	for number := 1; number <= 3; number++ {
		answer, err := http.Get(fmt.Sprintf("%s/orders/%d", shop.URL, number))
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
		fmt.Printf("GET /orders/%d: %d\n", number, answer.StatusCode)
	}
	shop.Close()

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

func orders(w http.ResponseWriter, r *http.Request) {
	order, ok := map[string]string{"/orders/1": "tea", "/orders/2": "milk"}[r.URL.Path]
	if !ok {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	io.WriteString(w, order)
}

// observed tells the agent of every request before it is answered.
func observed(handler http.Handler, base string, metrics io.Writer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		id, status := rand.Int63(), answer.Code
		span := fmt.Sprintf(`"service": "%s", "name": "http.request", "resource": "%s /orders/{number}", "type": "web", "trace_id": %d, "span_id": %d, "start": %d, "duration": %d`,
			service, r.Method, id, id, begin.UnixNano(), time.Since(begin))
		meta := fmt.Sprintf(`"span.kind": "server", "http.method": "%s", "http.url": "%s", "http.status_code": "%d"`, r.Method, r.URL.Path, status)
		post(base+"/v0.4/traces", fmt.Sprintf(`[[{%s, "meta": {%s}}]]`, span, meta))
		fmt.Fprintf(metrics, "example.http.requests:1|c|#service:%s,status:%d", service, status)
		post(base+"/v1/input", fmt.Sprintf(`[{"message": "%s %s answered %d", "service": "%s", "dd.trace_id": "%d", "dd.span_id": "%d"}]`, r.Method, r.URL.Path, status, service, id, id))
		w.WriteHeader(status)
		w.Write(answer.Body.Bytes())
	})
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
