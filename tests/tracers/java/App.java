import datadog.trace.api.GlobalTracer;
import datadog.trace.api.interceptor.MutableSpan;
import datadog.trace.api.interceptor.TraceInterceptor;
import datadog.trace.api.internal.InternalTracer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.AbstractHandler;

/**
 * A shop of one page that dd-java-agent instruments: Jetty, and H2 in memory.
 *
 * <p>Prints its address as a line of JSON, serves until its standard input ends, then prints the spans that the tracer
 * made and ends; the tracer sends what it has as the machine shuts down.
 */
public final class App extends AbstractHandler {
    private static final List<MutableSpan> FINISHED = new CopyOnWriteArrayList<>();

    private final Connection database;

    private App() throws SQLException {
        database = DriverManager.getConnection("jdbc:h2:mem:shop");
    }

    /** Keeps every trace that the tracer finishes, before it decides what becomes of it. */
    private static final class Recorder implements TraceInterceptor {
        @Override
        public Collection<? extends MutableSpan> onTraceComplete(Collection<? extends MutableSpan> trace) {
            FINISHED.addAll(trace);
            return trace;
        }

        @Override
        public int priority() {
            return 1_000_000;
        }
    }

    /** What a span can be asked for, besides what the interface has. */
    private static Object ask(MutableSpan span, String method) {
        try {
            return span.getClass().getMethod(method).invoke(span);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static String record(MutableSpan span) {
        Object trace = ask(span, "getTraceId");
        String traceId;
        try {
            traceId = (String) trace.getClass().getMethod("toHexString").invoke(trace);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
        String padded = "0".repeat(32 - traceId.length()) + traceId;
        Map<String, Object> tags = new HashMap<>(span.getTags());
        // Here it is the priority, and no tag; a status is sent as a text.
        tags.keySet().removeAll(List.of("_sample_rate", "http.status_code"));
        String meta = tags.entrySet().stream()
                .filter(tag -> tag.getValue() instanceof CharSequence)
                .map(tag -> quote(tag.getKey()) + ":" + quote(tag.getValue().toString()))
                .collect(Collectors.joining(","));
        String metrics = tags.entrySet().stream()
                .filter(tag -> tag.getValue() instanceof Number)
                .map(tag -> quote(tag.getKey()) + ":" + tag.getValue())
                .collect(Collectors.joining(","));
        return "{\"trace_id\":" + quote(padded)
                + ",\"span_id\":" + quote(Long.toUnsignedString((Long) ask(span, "getSpanId")))
                + ",\"parent_id\":" + quote(Long.toUnsignedString((Long) ask(span, "getParentId")))
                + ",\"service\":" + quote(span.getServiceName())
                + ",\"name\":" + quote(span.getOperationName().toString())
                + ",\"resource\":" + quote(span.getResourceName().toString())
                + ",\"type\":" + quote(span.getSpanType() == null ? "" : span.getSpanType())
                + ",\"error\":" + (span.isError() ? 1 : 0)
                + ",\"priority\":" + span.getSamplingPriority()
                + ",\"meta\":{" + meta + "},\"metrics\":{" + metrics + "}}";
    }

    private static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private String order(int number) throws SQLException {
        try (Statement statement = database.createStatement();
                ResultSet rows = statement.executeQuery("SELECT " + number + ", 'tea'")) {
            rows.next();
            return rows.getString(2);
        }
    }

    private static void byHand() {
        SpanContext other = SpanContext.create(
                "0123456789abcdeffedcba9876543210", "1122334455667788", TraceFlags.getSampled(), TraceState.getDefault());
        Span span = GlobalOpenTelemetry.getTracer("shop")
                .spanBuilder("shop.by_hand")
                .addLink(other, Attributes.of(AttributeKey.stringKey("reason"), "retry"))
                .setAttribute("operation.name", "shop.by_hand")
                .setAttribute("resource.name", "Größe 🚀")
                .setAttribute("span.type", "worker")
                .setAttribute("city", "Köln")
                .setAttribute("weight", 12.5)
                .startSpan();
        Attributes attributes = Attributes.builder()
                .put("key", "a")
                .put("tries", 3)
                .put("share", 0.5)
                .put("cold", true)
                .put("tiers", "l1", "l2")
                .build();
        span.addEvent("cache.miss", attributes, 1_700_000_000_000_000_123L, TimeUnit.NANOSECONDS);
        span.setStatus(io.opentelemetry.api.trace.StatusCode.ERROR, "no tea left");
        span.end();
    }

    @Override
    public void handle(String path, Request base, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        base.setHandled(true);
        response.setContentType("application/json");
        try {
            if (path.equals("/by-hand")) {
                byHand();
                response.getWriter().write("{}");
            } else {
                int number = Integer.parseInt(path.substring(path.lastIndexOf('/') + 1));
                response.getWriter().write(quote(order(number)));
            }
        } catch (SQLException error) {
            response.sendError(500, error.toString());
        }
    }

    public static void main(String[] arguments) throws Exception {
        GlobalTracer.get().addTraceInterceptor(new Recorder());
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        server.setHandler(new App());
        server.start();
        System.out.println("{\"app\":\"http://127.0.0.1:" + connector.getLocalPort() + "\"}");
        System.in.transferTo(java.io.OutputStream.nullOutputStream());
        server.stop();
        // Stats of its last ten seconds are not among what the tracer sends by itself at the end.
        ((InternalTracer) GlobalTracer.get()).flushMetrics();
        System.out.println(FINISHED.stream().map(App::record).collect(Collectors.joining(",", "[", "]")));
    }
}
