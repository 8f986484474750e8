//go:build ignore

// Traces, metrics and logs through one Unix socket of which only this user may write to the file.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	agent "github.com/datadog-agent-native/datadog-agent-native/go"
)

const service = "example-unix-socket"

func main() {
	// DD_API_KEY, DD_SITE and the rest come from the environment.
	running, err := agent.Start(agent.Config{
		Service:       service,
		Env:           "examples",
		Mode:          agent.UnixSocket,
		SocketMode:    0o600,
		LogLevel:      agent.LogWarn,
		DogStatsD:     true,
		DogStatsDPort: agent.Ephemeral,
		Environment:   map[string]string{"DD_LOGS_ENABLED": "true", "DD_LOGS_AGENT_PORT": "0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Stat(running.Socket())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("agent %s: traces, metrics and logs on %s (%s)\n", running.Version(), running.Socket(), file.Mode())

	post(running, "/v0.4/traces", fmt.Sprintf(`[[{"service": "%s", "name": "file.read", "resource": "read a file", "trace_id": 1, "span_id": 1, "start": %d, "duration": 3000000}]]`, service, time.Now().UnixNano()))
	fmt.Println("sent a trace: file.read")
	// What a client of DogStatsD would send as a datagram.
	post(running, "/dogstatsd/v2/proxy", fmt.Sprintf("example.unix_socket.files:1|c|#service:%s", service))
	fmt.Println("sent a metric: example.unix_socket.files")
	post(running, "/v1/input", fmt.Sprintf(`[{"message": "file read", "service": "%s", "status": "info"}]`, service))
	fmt.Println("sent a log: file read")

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
	if _, err := os.Stat(running.Socket()); os.IsNotExist(err) {
		fmt.Println("stopped, and the socket is gone")
	}
}

func post(running *agent.Agent, path, body string) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", running.Socket())
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	answer, err := client.Post("http://agent"+path, "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		log.Fatalf("%s: %s", path, answer.Status)
	}
}
