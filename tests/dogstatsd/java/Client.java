import com.timgroup.statsd.Event;
import com.timgroup.statsd.DirectStatsDClient;
import com.timgroup.statsd.NonBlockingStatsDClientBuilder;
import com.timgroup.statsd.ServiceCheck;
import com.timgroup.statsd.TagsCardinality;

/**
 * Sends the fixed list with java-dogstatsd-client, once in each of its modes.
 *
 * <pre>java -cp 'JARS/*' Client.java udp://HOST:PORT unixgram:///PATH unixstream:///PATH</pre>
 */
public final class Client {
    private static final String CONTAINER =
            "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
    private static final long AT = 1_700_000_000L;
    /** Room for the longest message, and hardly for two: this client can be told no other way to pack less. */
    private static final int SMALL = 512;

    private static volatile boolean failed;

    private static DirectStatsDClient connect(String url, String mode, boolean small, boolean aggregated) {
        NonBlockingStatsDClientBuilder builder =
                new NonBlockingStatsDClientBuilder()
                        .address(url)
                        .prefix("shop")
                        .constantTags("team:metrics", "mode:" + mode)
                        .containerID(CONTAINER)
                        .enableTelemetry(false)
                        .enableAggregation(aggregated)
                        // No timer sends half of the list before `close` sends the rest.
                        .aggregationFlushInterval(3_600_000)
                        // Wait rather than drop.
                        .blocking(true)
                        .timeout(10_000)
                        .errorHandler(
                                error -> {
                                    System.err.println(mode + ": " + error);
                                    failed = true;
                                });
        if (small) {
            builder.maxPacketSizeBytes(SMALL);
        }
        return builder.buildDirectStatsDClient();
    }

    private static void send(DirectStatsDClient client) {
        client.gauge("gauge", 1.5, "kind:gauge");
        client.gauge("gauge", 42.25, "kind:gauge");
        client.gauge("gauge.negative", -7.5);
        client.gauge("gauge.tiny", 0.000001);
        client.gauge("gauge.huge", 1e21);
        client.count("count", 3, "kind:count");
        client.count("count", -1, "kind:count");
        client.increment("increment");
        client.count("increment", 5);
        client.decrement("increment");
        for (double value : new double[] {4, 1, 3, 2}) {
            client.histogram("histogram", value, "kind:histogram");
        }
        client.recordDistributionValues(
                "distribution", new double[] {1, 2, 3, 4, 5}, Double.NaN, "kind:distribution");
        for (int value = 1; value <= 100; value++) {
            client.distribution("distribution.many", value);
        }
        for (String value : new String[] {"anna", "ben", "anna", "a:b", "Zoë"}) {
            client.recordSetValue("set", value, "kind:set");
        }
        for (long value : new long[] {120, 80}) {
            client.time("timing", value, "kind:timing");
        }

        client.gauge(
                "tags", 1, "city:Köln", "rocket:🚀", "bare", "url:http://a/b:8080", "two words:a b", "twice:1", "twice:1");
        client.gauge("tags.host", 1, "host:other");
        client.gauge("tags.device", 1, "device:eth0");
        client.gauge("origin", 1, 1, TagsCardinality.HIGH);
        client.gauge("origin", 2, 1, TagsCardinality.NONE);

        client.gaugeWithTimestamp("at.gauge", 9.5, AT);
        client.countWithTimestamp("at.count", 4, AT + 3);

        client.recordEvent(
                Event.builder()
                        .withTitle("Deploy | shop")
                        .withText("line one\nline two")
                        .withAlertType(Event.AlertType.SUCCESS)
                        .withAggregationKey("deploy-7")
                        .withSourceTypeName("jenkins")
                        .withDate(AT * 1000)
                        .withPriority(Event.Priority.LOW)
                        .withHostname("web-1")
                        .build(),
                "kind:event");
        client.recordEvent(Event.builder().withTitle("Größe").withText("naïve → 🚀").build());
        client.serviceCheck(
                ServiceCheck.builder()
                        .withName("shop.db")
                        .withStatus(ServiceCheck.Status.WARNING)
                        .withTags(new String[] {"kind:check"})
                        .withTimestamp((int) AT)
                        .withHostname("web-1")
                        .withMessage("langsam: 3 s für m:all\nretry")
                        .build());
        client.serviceCheck(
                ServiceCheck.builder().withName("shop.cache").withStatus(ServiceCheck.Status.OK).build());
    }

    public static void main(String[] urls) {
        for (String url : urls) {
            for (boolean small : new boolean[] {true, false}) {
                for (boolean aggregated : new boolean[] {false, true}) {
                    String mode =
                            String.join(
                                    ".",
                                    url.substring(0, url.indexOf(':')),
                                    small ? "small" : "buffered",
                                    aggregated ? "aggregated" : "plain");
                    try (DirectStatsDClient client = connect(url, mode, small, aggregated)) {
                        send(client);
                    }
                }
            }
        }
        if (failed) {
            System.exit(1);
        }
    }
}
