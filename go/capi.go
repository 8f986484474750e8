package agent

// The C interface, and the only file that knows it.

/*
#cgo CFLAGS: -DDATADOG_NO_GENERIC -I${SRCDIR}/../crates/datadog-agent-native/include
#cgo !pkgconfig LDFLAGS: -ldatadog_agent_native
#cgo pkgconfig pkg-config: datadog-agent-native
#include <stdlib.h>
#include "datadog_agent_native.h"
*/
import "C"

import (
	"math"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// maxDescription bounds what is read of a failure.
const maxDescription = 64 << 10

// handle is an agent as C knows it. The library tells a stale one by itself, so that it is safe to copy.
type handle struct {
	agent *C.DatadogAgent
}

func (h handle) isNone() bool { return h.agent == nil }

// start hands the configuration over and takes what it gives.
func start(config *Config) (*Agent, error) {
	var texts texts
	defer texts.free()
	options, err := options(config, &texts)
	if err != nil {
		return nil, err
	}
	defer onOneThread()()
	result := C.datadog_agent_start_v2(options)
	if err := failure(result.error); err != nil {
		return nil, err
	}
	running := &Agent{
		version:       C.GoString(result.version),
		tracePort:     int(result.bound_port),
		dogStatsDPort: int(result.dogstatsd_port),
		handle:        handle{result.agent},
	}
	if result.uds_path != nil {
		running.socket = C.GoString(result.uds_path)
		C.datadog_free_string(result.uds_path)
	}
	return running, nil
}

// options are the configuration as C has it; they live as long as the texts.
func options(config *Config, texts *texts) (*C.DatadogAgentOptionsV2, error) {
	level, err := config.level()
	if err != nil {
		return nil, err
	}
	shutdownTimeoutMs, err := config.shutdownTimeoutMs()
	if err != nil {
		return nil, err
	}
	var options C.DatadogAgentOptionsV2
	C.datadog_agent_options_init_v2(&options, C.sizeof_DatadogAgentOptionsV2)
	options.api_key = texts.add("APIKey", config.APIKey)
	options.site = texts.add("Site", config.Site)
	options.service = texts.add("Service", config.Service)
	options.env = texts.add("Env", config.Env)
	options.version = texts.add("Version", config.Version)
	options.appsec_enabled = flag(config.AppSec)
	options.remote_config_enabled = flag(config.RemoteConfig)
	options.log_level = C.int(level)
	options.operational_mode = C.int(config.Mode)
	options.trace_agent_port = C.int(config.TracePort)
	options.dogstatsd_enabled = flag(config.DogStatsD)
	options.dogstatsd_port = C.int(config.dogStatsDPort())
	options.trace_agent_uds_permissions = C.int(config.SocketMode.Perm())
	options.uds_path = texts.add("Socket", config.Socket)
	options.tags = texts.add("Tags", strings.Join(config.Tags, ","))
	options.shutdown_timeout_ms = C.int(shutdownTimeoutMs)
	// Signals belong to the Go runtime.
	options.install_signal_handlers = -1
	options.extra_env, options.extra_env_len = texts.environment(config.Environment)
	return &options, texts.failed
}

func (h handle) submitTraces(traces []byte) error {
	defer onOneThread()()
	data := (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(traces)))
	return failure(C.datadog_agent_submit_traces(h.agent, data, C.size_t(len(traces))))
}

func (h handle) submitLogs(logs []byte) error {
	defer onOneThread()()
	data := (*C.char)(unsafe.Pointer(unsafe.SliceData(logs)))
	return failure(C.datadog_agent_submit_logs(h.agent, data, C.size_t(len(logs))))
}

func (h handle) flush(timeout time.Duration) error {
	defer onOneThread()()
	return failure(C.datadog_agent_flush(h.agent, milliseconds(timeout)))
}

func (h handle) requestShutdown() error {
	defer onOneThread()()
	return failure(C.datadog_agent_request_shutdown(h.agent))
}

// wait waits for so long at most, and says whether the agent is at its end.
func (h handle) wait(limit time.Duration) (ShutdownReason, bool, error) {
	const over, none = 3, -1
	switch reason := C.datadog_agent_wait_for_shutdown_timeout(h.agent, milliseconds(limit)); reason {
	case over:
		return 0, false, nil
	case none:
		return 0, true, ErrStopped
	default:
		return ShutdownReason(reason), true, nil
	}
}

func (h handle) stop() error {
	defer onOneThread()()
	return failure(C.datadog_agent_stop(h.agent))
}

// onOneThread keeps the goroutine where it is, because the text of a failure is kept for each thread.
func onOneThread() func() {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// failure is the error of the call before it on this thread, or nil.
func failure(code uint32) error {
	if code == C.DATADOG_OK {
		return nil
	}
	size := C.datadog_agent_last_error(nil, 0) + 1
	if size > maxDescription {
		size = maxDescription
	}
	text := (*C.char)(C.malloc(size))
	defer C.free(unsafe.Pointer(text))
	C.datadog_agent_last_error(text, size)
	return &Error{Code: Code(code), Message: C.GoString(text)}
}

// milliseconds rounds up, so that a short time does not become none; less than none is none.
func milliseconds(span time.Duration) C.int {
	ms := math.Ceil(float64(span) / float64(time.Millisecond))
	return C.int(math.Max(0, math.Min(ms, math.MaxInt32)))
}

func flag(on bool) C.int {
	if on {
		return 1
	}
	return 0
}

// texts are copies for C, of one call.
type texts struct {
	copies []unsafe.Pointer
	failed error
}

// add copies a text; the empty one is NULL.
func (t *texts) add(field, text string) *C.char {
	if text == "" {
		return nil
	}
	return t.copied(field, text)
}

func (t *texts) copied(field, text string) *C.char {
	if strings.ContainsRune(text, 0) {
		t.failed = &Error{Code: InvalidString, Message: field + " contains a NUL character"}
		return nil
	}
	copied := C.CString(text)
	t.copies = append(t.copies, unsafe.Pointer(copied))
	return copied
}

// environment copies variables into an array in memory of C.
func (t *texts) environment(variables map[string]string) (*C.DatadogEnvVar, C.size_t) {
	if len(variables) == 0 {
		return nil, 0
	}
	memory := C.calloc(C.size_t(len(variables)), C.sizeof_DatadogEnvVar)
	t.copies = append(t.copies, memory)
	array := unsafe.Slice((*C.DatadogEnvVar)(memory), len(variables))
	next := 0
	for name, value := range variables {
		array[next] = C.DatadogEnvVar{name: t.copied("Environment", name), value: t.copied(name, value)}
		next++
	}
	return (*C.DatadogEnvVar)(memory), C.size_t(len(variables))
}

func (t *texts) free() {
	for _, copied := range t.copies {
		C.free(copied)
	}
}
