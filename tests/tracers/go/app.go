// A shop of one page that dd-trace-go instruments: net/http through its integration, and database/sql with a database
// in memory, whose spans are made by hand.
//
// Prints its address as a line of JSON, serves until its standard input ends, then stops the tracer and prints the
// spans that it made as another.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"strconv"
	"sync"

	httptrace "github.com/DataDog/dd-trace-go/contrib/net/http/v2"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	_ "github.com/proullon/ramsql/driver"
)

type record struct {
	TraceID  string             `json:"trace_id"`
	SpanID   string             `json:"span_id"`
	ParentID string             `json:"parent_id"`
	Service  string             `json:"service"`
	Name     string             `json:"name"`
	Resource string             `json:"resource"`
	Type     string             `json:"type"`
	Error    int32              `json:"error"`
	Priority *int               `json:"priority"`
	Meta     map[string]string  `json:"meta"`
	Metrics  map[string]float64 `json:"metrics"`
}

// recorder keeps every span that the application makes.
type recorder struct {
	mutex sync.Mutex
	spans []*tracer.Span
}

func (r *recorder) add(span *tracer.Span) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.spans = append(r.spans, span)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// describe reads a span that is finished.
func describe(span *tracer.Span) record {
	fields := span.AsMap()
	out := record{
		TraceID:  span.Context().TraceID(),
		SpanID:   strconv.FormatUint(span.Context().SpanID(), 10),
		ParentID: strconv.FormatUint(fields[ext.MapSpanParentID].(uint64), 10),
		Service:  fields[ext.ServiceName].(string),
		Name:     fields[ext.SpanName].(string),
		Resource: fields[ext.ResourceName].(string),
		Type:     fields[ext.SpanType].(string),
		Error:    fields[ext.MapSpanError].(int32),
		Meta:     map[string]string{},
		Metrics:  map[string]float64{},
	}
	if priority, is := span.Context().SamplingPriority(); is {
		out.Priority = &priority
	}
	for _, key := range []string{
		ext.MapSpanParentID, ext.ServiceName, ext.SpanName, ext.ResourceName, ext.SpanType, ext.MapSpanError,
		ext.MapSpanID, ext.MapSpanTraceID, ext.MapSpanStart, ext.MapSpanDuration, ext.MapSpanEvents,
	} {
		delete(fields, key)
	}
	// Links go as such, or as this tag, depending on the format.
	delete(fields, "_dd.span_links")
	for key, value := range fields {
		switch value := value.(type) {
		case string:
			out.Meta[key] = value
		case float64:
			out.Metrics[key] = value
		}
	}
	return out
}

type shop struct {
	database *sql.DB
	recorder recorder
}

// start makes a span and keeps it.
func (s *shop) start(ctx context.Context, name string, options ...tracer.StartSpanOption) *tracer.Span {
	span, _ := tracer.StartSpanFromContext(ctx, name, options...)
	s.recorder.add(span)
	return span
}

func (s *shop) order(ctx context.Context, number int) (item string, err error) {
	query := fmt.Sprintf("SELECT item FROM orders WHERE id = %d", number%3)
	span := s.start(ctx, "ramsql.query",
		tracer.SpanType(ext.SpanTypeSQL),
		tracer.ResourceName(query),
		tracer.Tag(ext.SpanKind, ext.SpanKindClient),
		tracer.Tag(ext.DBSystem, "ramsql"),
		tracer.Measured(),
	)
	defer func() { span.Finish(tracer.WithError(err)) }()
	err = s.database.QueryRowContext(ctx, query).Scan(&item)
	return item, err
}

func (s *shop) byHand(ctx context.Context) {
	span := s.start(ctx, "shop.by_hand", tracer.SpanType("worker"), tracer.ResourceName("Größe 🚀"))
	span.SetTag("city", "Köln")
	span.SetTag("weight", 12.5)
	span.AddLink(tracer.SpanLink{
		TraceID:     0xfedcba9876543210,
		TraceIDHigh: 0x0123456789abcdef,
		SpanID:      0x1122334455667788,
		Attributes:  map[string]string{"reason": "retry"},
	})
	span.AddEvent("cache.miss", tracer.WithSpanEventAttributes(map[string]any{
		"key": "a", "tries": 3, "share": 0.5, "cold": true, "tiers": []string{"l1", "l2"},
	}))
	span.Finish(tracer.WithError(errors.New("no tea left")))
}

func (s *shop) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	ctx := request.Context()
	span, _ := tracer.SpanFromContext(ctx)
	s.recorder.add(span)
	body := ""
	if request.URL.Path == "/by-hand" {
		s.byHand(ctx)
	} else {
		number, err := strconv.Atoi(path.Base(request.URL.Path))
		check(err)
		body, err = s.order(ctx, number)
		check(err)
	}
	check(json.NewEncoder(response).Encode(body))
}

func main() {
	check(tracer.Start())
	database, err := sql.Open("ramsql", "shop")
	check(err)
	for _, statement := range []string{
		"CREATE TABLE orders (id INT, item TEXT)",
		"INSERT INTO orders (id, item) VALUES (0, 'tea')",
		"INSERT INTO orders (id, item) VALUES (1, 'milk')",
		"INSERT INTO orders (id, item) VALUES (2, 'sugar')",
	} {
		_, err = database.Exec(statement)
		check(err)
	}
	shop := &shop{database: database}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	handler := httptrace.WrapHandler(shop, "", "", httptrace.WithResourceNamer(func(request *http.Request) string {
		return request.Method + " " + request.URL.Path
	}))
	go func() { _ = http.Serve(listener, handler) }()
	output := json.NewEncoder(os.Stdout)
	check(output.Encode(map[string]string{"app": "http://" + listener.Addr().String()}))

	_, err = io.Copy(io.Discard, os.Stdin)
	check(err)
	check(listener.Close())
	records := []record{}
	for _, span := range shop.recorder.spans {
		records = append(records, describe(span))
	}
	// What `Stop` sends says nothing of the stats that the tracer works out, so that they would be worked out twice.
	tracer.Flush()
	tracer.Stop()
	check(output.Encode(records))
}
