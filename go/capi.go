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
	level, err := config.level()
	if err != nil {
		return nil, err
	}
	var texts texts
	defer texts.free()
	options := C.DatadogAgentOptions{
		api_key:                     texts.add("APIKey", config.APIKey),
		site:                        texts.add("Site", config.Site),
		service:                     texts.add("Service", config.Service),
		env:                         texts.add("Env", config.Env),
		version:                     texts.add("Version", config.Version),
		appsec_enabled:              flag(config.AppSec),
		remote_config_enabled:       flag(config.RemoteConfig),
		log_level:                   C.int(level),
		operational_mode:            C.int(config.Mode),
		trace_agent_port:            C.int(config.TracePort),
		dogstatsd_enabled:           flag(config.DogStatsD),
		dogstatsd_port:              C.int(config.dogStatsDPort()),
		trace_agent_uds_permissions: C.int(config.SocketMode.Perm()),
	}
	if texts.failed != nil {
		return nil, texts.failed
	}
	defer onOneThread()()
	result := C.datadog_agent_start(options)
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
	copies []*C.char
	failed error
}

// add copies a text; the empty one is NULL.
func (t *texts) add(field, text string) *C.char {
	if text == "" {
		return nil
	}
	if strings.ContainsRune(text, 0) {
		t.failed = &Error{Code: InvalidString, Message: field + " contains a NUL character"}
		return nil
	}
	copied := C.CString(text)
	t.copies = append(t.copies, copied)
	return copied
}

func (t *texts) free() {
	for _, text := range t.copies {
		C.free(unsafe.Pointer(text))
	}
}
