// Sends the fixed list with datadog-go, once in each of its modes.
//
//	client udp://HOST:PORT unixgram:///PATH unixstream:///PATH
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/DataDog/datadog-go/v5/statsd"
)

const container = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860"

var at = time.Unix(1700000000, 0)

type choice struct {
	name    string
	options []statsd.Option
}

var buffering = []choice{
	{"unbuffered", []statsd.Option{statsd.WithMaxMessagesPerPayload(1)}},
	{"buffered", nil},
}

var aggregation = []choice{
	{"plain", []statsd.Option{statsd.WithoutClientSideAggregation()}},
	// Counts, gauges and sets.
	{"aggregated", []statsd.Option{statsd.WithClientSideAggregation()}},
	// Histograms, distributions and timings too, with several values in a message.
	{"extended", []statsd.Option{statsd.WithExtendedClientSideAggregation()}},
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func connect(url, mode string, options []statsd.Option) *statsd.ClientEx {
	address := strings.TrimPrefix(url, "udp://")
	options = append([]statsd.Option{
		statsd.WithNamespace("shop"),
		statsd.WithTags([]string{"team:metrics", "mode:" + mode}),
		statsd.WithContainerID(container),
		statsd.WithoutTelemetry(),
		// One order of messages, so that the last gauge is the last.
		statsd.WithWorkersCount(1),
		// No timer sends half of the list before `Close` sends the rest.
		statsd.WithAggregationInterval(time.Hour),
		// Wait rather than drop.
		statsd.WithSenderQueueSize(4096),
		statsd.WithWriteTimeout(10 * time.Second),
		statsd.WithErrorHandler(check),
	}, options...)
	client, err := statsd.NewEx(address, options...)
	check(err)
	return client
}

func send(client *statsd.ClientEx) {
	gauge := []string{"kind:gauge"}
	check(client.Gauge("gauge", 1.5, gauge, 1))
	check(client.Gauge("gauge", 42.25, gauge, 1))
	check(client.Gauge("gauge.negative", -7.5, nil, 1))
	check(client.Gauge("gauge.tiny", 0.000001, nil, 1))
	check(client.Gauge("gauge.huge", 1e21, nil, 1))
	check(client.Count("count", 3, []string{"kind:count"}, 1))
	check(client.Count("count", -1, []string{"kind:count"}, 1))
	check(client.Incr("increment", nil, 1))
	check(client.Count("increment", 5, nil, 1))
	check(client.Decr("increment", nil, 1))
	for _, value := range []float64{4, 1, 3, 2} {
		check(client.Histogram("histogram", value, []string{"kind:histogram"}, 1))
	}
	for value := 1; value <= 5; value++ {
		check(client.Distribution("distribution", float64(value), []string{"kind:distribution"}, 1))
	}
	for value := 1; value <= 100; value++ {
		check(client.Distribution("distribution.many", float64(value), nil, 1))
	}
	for _, value := range []string{"anna", "ben", "anna", "a:b", "Zoë"} {
		check(client.Set("set", value, []string{"kind:set"}, 1))
	}
	for _, value := range []time.Duration{120, 80} {
		check(client.Timing("timing", value*time.Millisecond, []string{"kind:timing"}, 1))
	}

	tags := []string{"city:Köln", "rocket:🚀", "bare", "url:http://a/b:8080", "two words:a b", "twice:1", "twice:1"}
	check(client.Gauge("tags", 1, tags, 1))
	check(client.Gauge("tags.host", 1, []string{"host:other"}, 1))
	check(client.Gauge("tags.device", 1, []string{"device:eth0"}, 1))
	check(client.Gauge("origin", 1, nil, 1, statsd.CardinalityHigh))
	check(client.Gauge("origin", 2, nil, 1, statsd.CardinalityNone))

	check(client.GaugeWithTimestamp("at.gauge", 9.5, nil, 1, at))
	check(client.CountWithTimestamp("at.count", 4, nil, 1, at.Add(3*time.Second)))

	event := statsd.NewEvent("Deploy | shop", "line one\nline two")
	event.AlertType = statsd.Success
	event.AggregationKey = "deploy-7"
	event.SourceTypeName = "jenkins"
	event.Timestamp = at
	event.Priority = statsd.Low
	event.Hostname = "web-1"
	event.Tags = []string{"kind:event"}
	check(client.Event(event))
	check(client.SimpleEvent("Größe", "naïve → 🚀"))
	warning := statsd.NewServiceCheck("shop.db", statsd.Warn)
	warning.Tags = []string{"kind:check"}
	warning.Timestamp = at
	warning.Hostname = "web-1"
	warning.Message = "langsam: 3 s für m:all\nretry"
	check(client.ServiceCheck(warning))
	check(client.SimpleServiceCheck("shop.cache", statsd.Ok))
}

func main() {
	for _, url := range os.Args[1:] {
		transport := url[:strings.Index(url, ":")]
		for _, buffering := range buffering {
			for _, aggregation := range aggregation {
				mode := strings.Join([]string{transport, buffering.name, aggregation.name}, ".")
				options := append(append([]statsd.Option{}, buffering.options...), aggregation.options...)
				client := connect(url, mode, options)
				send(client)
				check(client.Close())
			}
		}
	}
}
