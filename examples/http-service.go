//go:build ignore

// A web service that makes a span, a metric and a log of every request; it serves three and ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	agent "github.com/datadog-agent-native/datadog-agent-native/go"
)

type span struct {
	TraceID  uint64             `json:"trace_id"`
	SpanID   uint64             `json:"span_id"`
	Name     string             `json:"name"`
	Resource string             `json:"resource"`
	Service  string             `json:"service"`
	Type     string             `json:"type"`
	Start    int64              `json:"start"`
	Duration int64              `json:"duration"`
	Error    int32              `json:"error"`
	Meta     map[string]string  `json:"meta"`
	Metrics  map[string]float64 `json:"metrics"`
}

// observed wraps a handler: every request becomes a span, a count and a line of log.
func observed(handler http.Handler, traces, metrics int) http.Handler {
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", metrics))
	if err != nil {
		log.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		made := span{
			TraceID: rand.Uint64(), SpanID: rand.Uint64(), Name: "http.request", Resource: r.Method + " " + r.URL.Path,
			Service: "http-service-go", Type: "web", Start: begin.UnixNano(), Duration: int64(time.Since(begin)),
			Meta:    map[string]string{"http.method": r.Method, "http.url": r.URL.Path, "http.status_code": fmt.Sprint(answer.Code)},
			Metrics: map[string]float64{"_sampling_priority_v1": 1},
		}
		if answer.Code >= 500 {
			made.Error = 1
		}
		post(fmt.Sprintf("http://127.0.0.1:%d/v0.4/traces", traces), [][]span{{made}})
		post(fmt.Sprintf("http://127.0.0.1:%d/v1/input", traces), []map[string]string{{"message": fmt.Sprintf("%s %d", made.Resource, answer.Code)}})
		fmt.Fprintf(socket, "http_service.requests:1|c|#status:%d,language:go", answer.Code)
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
}

func main() {
	running, err := agent.Start(agent.Config{
		Service: "http-service-go", Mode: agent.EphemeralPort, DogStatsD: true, DogStatsDPort: agent.Ephemeral,
		Environment: map[string]string{"DD_LOGS_ENABLED": "true"},
	})
	if err != nil {
		log.Fatal(err)
	}
	traces, _ := running.TracePort()
	metrics, _ := running.DogStatsDPort()

	routes := http.NewServeMux()
	routes.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	routes.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) })
	service := httptest.NewServer(observed(routes, traces, metrics))
	defer service.Close()
	for _, path := range []string{"/hello", "/broken", "/missing"} {
		answer, err := http.Get(service.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
		fmt.Println("GET", path, answer.StatusCode)
	}

	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Flush(within); err != nil {
		log.Fatal(err)
	}
	if err := running.Stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent a trace, a metric and a log of each")
}

func post(url string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := http.Post(url, "application/json", strings.NewReader(string(text)))
	if err != nil {
		log.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		log.Fatalf("%s: %s", url, answer.Status)
	}
}
