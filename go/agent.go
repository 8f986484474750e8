package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// slice is how long one wait in C lasts, so that the end of a context is seen.
const slice = 100 * time.Millisecond

// ShutdownReason says why an agent came to its end.
type ShutdownReason int

// The reasons.
const (
	// GracefulShutdown is one that was asked for.
	GracefulShutdown ShutdownReason = 0
	// UserInterrupt is SIGINT, in a program that gave the agent its signals.
	UserInterrupt ShutdownReason = 1
	// FatalError is the end of a part that the agent cannot do without.
	FatalError ShutdownReason = 2
)

// String names the reason.
func (r ShutdownReason) String() string {
	switch r {
	case GracefulShutdown:
		return "graceful shutdown"
	case UserInterrupt:
		return "user interrupt"
	case FatalError:
		return "fatal error"
	default:
		return fmt.Sprintf("reason %d", int(r))
	}
}

// ErrStopped is what a stopped agent answers.
var ErrStopped = errors.New("datadog agent: it was stopped")

// Agent is one agent that runs in this process. All methods can be called from any goroutine.
type Agent struct {
	version       string
	tracePort     int
	dogStatsDPort int
	socket        string

	mu     sync.RWMutex
	handle handle
}

// Start starts an agent; every listener accepts when it returns.
//
// It fails with an *Error, and leaves nothing behind then. An agent that was started before a fork does not live in the
// child; Go programs rarely fork without exec.
func Start(config Config) (*Agent, error) {
	return start(&config)
}

// Version is that of the library.
func (a *Agent) Version() string { return a.version }

// TracePort is the TCP port of traces; false if there is none, as with UnixSocket.
func (a *Agent) TracePort() (int, bool) { return a.tracePort, a.tracePort >= 0 }

// DogStatsDPort is the UDP port of metrics; false while they are off.
func (a *Agent) DogStatsDPort() (int, bool) { return a.dogStatsDPort, a.dogStatsDPort >= 0 }

// Socket is the path of the Unix socket of traces; empty if there is none.
func (a *Agent) Socket() string { return a.socket }

// Flush sends what every pipeline holds. It fails with a SubmissionError if something could not be sent before the
// deadline of the context, or within ten seconds if that has none. It does not return before the deadline only because
// the context is cancelled.
func (a *Agent) Flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timeout := 10 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	return a.with(func(h handle) error { return h.flush(timeout) })
}

// SubmitTraces hands traces over without a socket, as a tracer would post them to /v0.4/traces (an array of traces, each
// an array of spans, in msgpack or JSON) or /v0.7/traces. It takes all or none, and fails with InvalidDataFormat when
// they cannot be read, and with SubmissionError when there is no room for them now.
func (a *Agent) SubmitTraces(traces []byte) error {
	return a.with(func(h handle) error { return h.submitTraces(traces) })
}

// SubmitLogs hands logs over without a socket, as JSON: an array of objects and strings, one object, or objects on lines
// of their own. It fails as SubmitTraces does, and with NotAvailable when logs are off.
func (a *Agent) SubmitLogs(logs []byte) error {
	return a.with(func(h handle) error { return h.submitLogs(logs) })
}

// RequestShutdown wakes those who wait for the end of the agent. Stop is still due.
func (a *Agent) RequestShutdown() error {
	return a.with(handle.requestShutdown)
}

// Wait waits until the agent is asked to end, or fails, or the context is over. It takes no signals.
func (a *Agent) Wait(ctx context.Context) (ShutdownReason, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var reason ShutdownReason
		var isOver bool
		err := a.with(func(h handle) (err error) {
			reason, isOver, err = h.wait(slice)
			return err
		})
		if err != nil || isOver {
			return reason, err
		}
	}
}

// Stop sends what is left and ends the agent, within Config.ShutdownTimeout. It fails with a ShutdownError that counts
// what could not be sent; the agent has ended all the same. The second time it does nothing.
func (a *Agent) Stop() error {
	// Waiters give way within a slice.
	a.mu.Lock()
	defer a.mu.Unlock()
	stopped := a.handle
	a.handle = handle{}
	if stopped.isNone() {
		return nil
	}
	return stopped.stop()
}

// with lends the handle to a call, which a Stop waits for.
func (a *Agent) with(call func(handle) error) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.handle.isNone() {
		return ErrStopped
	}
	return call(a.handle)
}
