package agent_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	agent "github.com/datadog-agent-native/datadog-agent-native/go"
)

const key = "0123456789abcdef0123456789abcdef"

// patience is for what comes at once unless the machine is busy.
const patience = 30 * time.Second

// intake is the address of a running development intake, INTAKE_URL.
func intake(t *testing.T) string {
	t.Helper()
	address := os.Getenv("INTAKE_URL")
	if address == "" {
		t.Fatal("INTAKE_URL must be the address of a running development intake")
	}
	return strings.TrimSuffix(address, "/")
}

// toIntake is a configuration whose agent sends to the intake.
func toIntake(t *testing.T) agent.Config {
	t.Helper()
	address, err := url.Parse(intake(t))
	if err != nil {
		t.Fatal(err)
	}
	return agent.Config{
		APIKey:        key,
		Site:          address.Host,
		Mode:          agent.EphemeralPort,
		LogLevel:      agent.LogWarn,
		DogStatsD:     true,
		DogStatsDPort: agent.Ephemeral,
		Environment:   map[string]string{"DD_LOGS_ENABLED": "true", "DD_HOSTNAME": "go-test"},
	}
}

func start(t *testing.T, config agent.Config) *agent.Agent {
	t.Helper()
	running, err := agent.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	return running
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func code(t *testing.T, err error) agent.Code {
	t.Helper()
	var failed *agent.Error
	if !errors.As(err, &failed) {
		t.Fatalf("no *agent.Error: %v", err)
	}
	return failed.Code
}

func post(t *testing.T, address string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(address, "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		said, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s answered %s: %s", address, answer.Status, said)
	}
}

// arrived are the records of a kind that the intake has, whose text contains the words.
func arrived(t *testing.T, kind, words string) []string {
	t.Helper()
	answer, err := http.Get(intake(t) + "/inspect/" + kind)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var found []string
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), words) {
			found = append(found, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestATraceAMetricAndALogArrive(t *testing.T) {
	running := start(t, toIntake(t))
	port, ok := running.TracePort()
	if !ok || running.Version() == "" {
		t.Fatalf("port %d, version %q", port, running.Version())
	}
	name := fmt.Sprintf("go-%d", time.Now().UnixNano())
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	post(t, base+"/v0.4/traces", [][]map[string]any{{{
		"trace_id": 1, "span_id": 1, "name": "test.span", "resource": name, "service": "go", "start": time.Now().UnixNano(), "duration": 1000,
	}}})
	post(t, base+"/v1/input", []map[string]string{{"message": "log of " + name}})
	metrics, ok := running.DogStatsDPort()
	if !ok {
		t.Fatal("no port for metrics")
	}
	socket, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", metrics))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if _, err := fmt.Fprintf(socket, "go.test:1|c|#run:%s", name); err != nil {
		t.Fatal(err)
	}
	if err := running.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	// The bucket of the metric is still open; the end of the agent closes it.
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"traces", "logs", "series"} {
		if found := arrived(t, kind, name); len(found) != 1 {
			t.Errorf("%d %s arrived: %v", len(found), kind, found)
		}
	}
}

func TestWhatIsHandedOverInProcessArrives(t *testing.T) {
	config := toIntake(t)
	config.Tags = []string{"team:shop", "region:eu"}
	running := start(t, config)
	name := fmt.Sprintf("go-direct-%d", time.Now().UnixNano())
	span := fmt.Sprintf(`[[{"trace_id": 1, "span_id": 1, "name": "a", "resource": "%s", "service": "go", "start": %d, "duration": 1}]]`, name, time.Now().UnixNano())
	if err := running.SubmitTraces([]byte(span)); err != nil {
		t.Fatal(err)
	}
	if err := running.SubmitLogs([]byte(`[{"message": "` + name + `"}]`)); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"traces": running.SubmitTraces([]byte("no")), "logs": running.SubmitLogs([]byte(`{"message"`))} {
		if code(t, err) != agent.InvalidDataFormat {
			t.Errorf("%s that cannot be read: %v", what, err)
		}
	}
	if err := running.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"traces", "logs"} {
		found := arrived(t, kind, name)
		if len(found) != 1 || !strings.Contains(found[0], "shop") {
			t.Errorf("%s: %v", kind, found)
		}
	}
}

func TestAStartThatFailsSaysWhy(t *testing.T) {
	config := toIntake(t)
	config.APIKey = ""
	_, err := agent.Start(config)
	if code(t, err) != agent.ConfigError || !strings.Contains(strings.ToLower(err.Error()), "api key") && !strings.Contains(err.Error(), "api_key") {
		t.Errorf("without a key: %v", err)
	}
	config = toIntake(t)
	config.APIKey = "\xff\xfe"
	if _, err = agent.Start(config); code(t, err) != agent.InvalidString {
		t.Errorf("with a key that is not UTF-8: %v", err)
	}
	config = toIntake(t)
	config.Service = "a\x00b"
	if _, err = agent.Start(config); code(t, err) != agent.InvalidString {
		t.Errorf("with a NUL: %v", err)
	}
	config = toIntake(t)
	config.LogLevel = 17
	if _, err = agent.Start(config); code(t, err) != agent.ConfigError {
		t.Errorf("with no level: %v", err)
	}
}

func TestAPortInUseIsAStartupError(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	config := toIntake(t)
	config.Mode = agent.FromEnvironment
	config.TracePort = taken.Addr().(*net.TCPAddr).Port
	config.Environment["DD_LOGS_AGENT_PORT"] = "0"
	_, err = agent.Start(config)
	want := fmt.Sprintf("Address already in use (port %d)", config.TracePort)
	if code(t, err) != agent.StartupError || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if !errors.Is(err, &agent.Error{Code: agent.StartupError}) {
		t.Error("errors.Is does not know the code")
	}
}

func TestAUnixSocketServesAndGoes(t *testing.T) {
	config := toIntake(t)
	config.Mode = agent.UnixSocket
	config.Environment["DD_LOGS_AGENT_PORT"] = "0"
	config.Socket = filepath.Join(t.TempDir(), "trace.sock")
	running := start(t, config)
	if port, ok := running.TracePort(); ok {
		t.Errorf("there is a port: %d", port)
	}
	if running.Socket() != config.Socket {
		t.Errorf("the socket is %s", running.Socket())
	}
	file, err := os.Stat(running.Socket())
	if err != nil || file.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", file, err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", running.Socket())
	}
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	answer, err := client.Get("http://agent/info")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/info answered %s", answer.Status)
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(config.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestAWaitEndsWithARequestAContextOrAStop(t *testing.T) {
	running := start(t, toIntake(t))
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := running.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the context: %v", err)
	}
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		if reason, err := running.Wait(context.Background()); err != nil || reason != agent.GracefulShutdown {
			t.Errorf("after the request: %v, %v", reason, err)
		}
	}()
	if err := running.RequestShutdown(); err != nil {
		t.Error(err)
	}
	group.Wait()

	other := start(t, toIntake(t))
	ended := make(chan error)
	go func() {
		_, err := other.Wait(context.Background())
		ended <- err
	}()
	if err := other.Stop(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, agent.ErrStopped) {
		t.Errorf("after the stop: %v", err)
	}
	if err := other.Stop(); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := other.Flush(within(t)); !errors.Is(err, agent.ErrStopped) {
		t.Errorf("a flush after the stop: %v", err)
	}
}

func TestSignalsStayWithTheProgram(t *testing.T) {
	start(t, toIntake(t))
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-signals:
	case <-within(t).Done():
		t.Fatal("the program did not see SIGTERM")
	}
}

func TestCyclesLeaveNothingBehind(t *testing.T) {
	once := func() {
		running, err := agent.Start(toIntake(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := running.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	once()
	before := descriptors(t)
	for i := 0; i < 20; i++ {
		once()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	// Connections of the tests to the intake do not count.
	http.DefaultClient.CloseIdleConnections()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc:", err)
	}
	return len(entries)
}
