// Package agent runs the Datadog agent inside this process: it receives traces, DogStatsD metrics and logs of the
// program and of its neighbours, and sends them to Datadog.
//
// Start binds every listener before it returns, so that a tracer can be pointed at TracePort at once:
//
//	running, err := agent.Start(agent.Config{APIKey: key, Mode: agent.EphemeralPort})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer running.Stop()
//
// The agent takes no signal from the Go runtime: a program that wants to end on SIGTERM uses os/signal, and calls Stop,
// which sends what is left.
//
// It is the C library datadog_agent_native behind cgo; where the linker finds that library is in the README.
package agent
