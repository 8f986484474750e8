package agent

import (
	"fmt"
	"io/fs"
	"math"
	"time"
)

// Mode says how the trace listener is reached.
type Mode int

// The modes.
const (
	// FromEnvironment takes the mode from DD_AGENT_MODE, and is FixedPort without it.
	FromEnvironment Mode = 0
	// EphemeralPort binds a port that the system chooses.
	EphemeralPort Mode = 1
	// UnixSocket binds a Unix socket under /tmp, and no TCP port for traces.
	UnixSocket Mode = 2
)

// LogLevel says how much the agent writes to standard error.
type LogLevel int

// The levels; the zero value is LogInfo.
const (
	LogInfo LogLevel = iota
	LogError
	LogWarn
	LogDebug
	LogTrace
)

// Ephemeral, as a port, leaves the choice to the system.
const Ephemeral = -1

// Config is what an agent is started with. What is left zero is taken from the environment (DD_API_KEY, DD_SITE and all
// others), and has the agent's default without it.
type Config struct {
	// APIKey authenticates at Datadog; needed here or as DD_API_KEY.
	APIKey string
	// Site is that of the organisation, such as datadoghq.eu; default datadoghq.com.
	Site string
	// Service, Env and Version are the unified service tags of what is sent.
	Service, Env, Version string
	// Tags are those of everything that is sent, as in "team:shop"; default DD_TAGS.
	Tags []string
	// AppSec turns on the web application firewall, if the library has it.
	AppSec bool
	// RemoteConfig turns on remote configuration.
	RemoteConfig bool
	// LogLevel is how much the agent says; default LogInfo.
	LogLevel LogLevel
	// Mode is how the trace listener is reached.
	Mode Mode
	// TracePort is the TCP port of the trace listener with a fixed port: 0 for DD_TRACE_AGENT_PORT or 8126, or Ephemeral.
	TracePort int
	// DogStatsD turns on the listener for metrics.
	DogStatsD bool
	// DogStatsDPort is its UDP port: 0 for 8125, or Ephemeral.
	DogStatsDPort int
	// SocketMode is that of the file of the trace listener's Unix socket; default 0600.
	SocketMode fs.FileMode
	// Socket is the path of the trace listener's Unix socket, of 100 bytes at most; default a new one under /tmp.
	Socket string
	// ShutdownTimeout bounds Stop; default DD_SHUTDOWN_TIMEOUT, or 30 seconds.
	ShutdownTimeout time.Duration
	// Environment holds more variables for the agent, over those of the process.
	Environment map[string]string
}

// cLevels are the numbers that the C interface has for the levels.
var cLevels = map[LogLevel]int{LogInfo: 3, LogError: 1, LogWarn: 2, LogDebug: 4, LogTrace: 5}

// level is the number of the level in C, where 0 would mean errors only.
func (c *Config) level() (int, error) {
	level, ok := cLevels[c.LogLevel]
	if !ok {
		return 0, configError("LogLevel", int(c.LogLevel))
	}
	return level, nil
}

// dogStatsDPort is the port as the C interface has it, where 0 leaves the choice to the system.
func (c *Config) dogStatsDPort() int {
	switch c.DogStatsDPort {
	case 0:
		return -1
	case Ephemeral:
		return 0
	default:
		return c.DogStatsDPort
	}
}

// shutdownTimeoutMs rounds up, so that a short time does not become none.
func (c *Config) shutdownTimeoutMs() (int, error) {
	ms := math.Ceil(float64(c.ShutdownTimeout) / float64(time.Millisecond))
	if ms < 0 || ms > math.MaxInt32 {
		return 0, configError("ShutdownTimeout", c.ShutdownTimeout)
	}
	return int(ms), nil
}

func configError(field string, value any) error {
	return &Error{Code: ConfigError, Message: fmt.Sprintf("%s cannot be %v", field, value)}
}
