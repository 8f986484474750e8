//go:build ignore

// Traces over a Unix socket: no TCP port is opened for them.
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

func main() {
	running, err := agent.Start(agent.Config{
		Service: "unix-socket-go", Mode: agent.UnixSocket, SocketMode: 0o600, DogStatsD: true, DogStatsDPort: agent.Ephemeral,
		Environment: map[string]string{"DD_LOGS_ENABLED": "true", "DD_LOGS_AGENT_PORT": "0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Stat(running.Socket())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("traces on %s, %s\n", running.Socket(), file.Mode())

	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", running.Socket())
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	span := fmt.Sprintf(`[[{"trace_id": 1, "span_id": 1, "name": "unix.socket", "resource": "hello", "service": "unix-socket-go", "start": %d, "duration": 1000000}]]`, time.Now().UnixNano())
	post(client, "http://agent/v0.4/traces", span)
	post(client, "http://agent/v1/input", `[{"message": "hello from unix-socket-go"}]`)
	metrics, _ := running.DogStatsDPort()
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", metrics))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(socket, "unix_socket.hello:1|c|#language:go")

	within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := running.Flush(within); err != nil {
		log.Fatal(err)
	}
	if err := running.Stop(); err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stat(running.Socket()); os.IsNotExist(err) {
		fmt.Println("sent a trace, a metric and a log; the socket is gone")
	}
}

func post(client *http.Client, url, body string) {
	answer, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		log.Fatalf("%s: %s", url, answer.Status)
	}
}
