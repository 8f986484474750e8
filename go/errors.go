package agent

import "fmt"

// Code says what kind of thing went wrong; the numbers are those of the C interface.
type Code int

// The codes.
const (
	// NullPointer is also what an agent answers that was stopped.
	NullPointer Code = 1
	// InvalidString is a text that is not UTF-8 or longer than 64 KiB.
	InvalidString Code = 2
	// ConfigError is a setting that the agent cannot start with.
	ConfigError Code = 3
	// InitError is a part of the agent that could not be made.
	InitError Code = 4
	// StartupError is a listener that could not be bound.
	StartupError Code = 5
	// ShutdownError is something that was not sent before the deadline of Stop.
	ShutdownError Code = 6
	// RuntimeError is one of input or output.
	RuntimeError Code = 7
	// InvalidDataFormat is data that cannot be read.
	InvalidDataFormat Code = 8
	// SubmissionError is something that was not taken, or not sent in time.
	SubmissionError Code = 9
	// NotAvailable is a part of the agent that is off, or an agent of another process.
	NotAvailable Code = 10
	// UnknownError is none of the others.
	UnknownError Code = 99
)

var codeNames = map[Code]string{
	NullPointer:       "null pointer",
	InvalidString:     "invalid string",
	ConfigError:       "configuration error",
	InitError:         "initialization error",
	StartupError:      "startup error",
	ShutdownError:     "shutdown error",
	RuntimeError:      "runtime error",
	InvalidDataFormat: "invalid data format",
	SubmissionError:   "submission error",
	NotAvailable:      "not available",
	UnknownError:      "unknown error",
}

// String names the code.
func (c Code) String() string {
	if name, ok := codeNames[c]; ok {
		return name
	}
	return fmt.Sprintf("error %d", int(c))
}

// Error is what the agent failed with.
type Error struct {
	// Code is the kind of failure.
	Code Code
	// Message is what the agent says of it; it can be empty.
	Message string
}

// Error says what went wrong.
func (e *Error) Error() string {
	if e.Message == "" {
		return "datadog agent: " + e.Code.String()
	}
	return "datadog agent: " + e.Message
}

// Is reports whether target is an *Error of the same code, whatever its message.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}
