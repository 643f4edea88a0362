package io.stockledger.loadtest.engine;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What the ledger says of itself, read before and after a figure: the two counts must agree. */
public final class Metrics {
    private static final String APPLIED = "stockledger_mutations_total{outcome=applied}";
    private static final String GROUP = "stockledger_group_entries";
    private static final String COMMIT = "stockledger_commit_seconds";
    private static final String COMPILATION = "jvm_compilation_time_ms_total";
    private static final String PROJECTION_AGE = "stockledger_projection_age_seconds";

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final URI uri;

    /** @param uri where Prometheus would read, {@code http://127.0.0.1:7401/metrics} */
    public Metrics(URI uri) {
        this.uri = uri;
    }

    /** All counters at one moment, summed over their labels. */
    public record Reading(long nanos, Map<String, Double> values) {
        /** For how long the ledger's compilers have been at work since its start. */
        double compilationMs() {
            return values.getOrDefault(COMPILATION, 0.0);
        }

        /** Everything that was committed until so long ago is in the projection; 0 also where the ledger keeps none. */
        double projectionAgeSeconds() {
            return values.getOrDefault(PROJECTION_AGE, 0.0);
        }
    }

    /**
     * What happened between two readings.
     *
     * @param applied mutations a second
     * @param groupEntries entries a group, on average
     * @param commitMs milliseconds a commit, on average
     */
    public record Observed(double applied, double groupEntries, double commitMs) {
        /** Whether our own count over the same time is another one. */
        public boolean disagreesWith(double answeredPerSecond) {
            return Math.abs(answeredPerSecond - applied) > 0.01 * applied;
        }
    }

    /** Empty where nobody answers: an older ledger, or another port. */
    public Optional<Reading> read() {
        try {
            HttpResponse<String> response = http.send(HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(5)).build(),
                    HttpResponse.BodyHandlers.ofString());
            long nanos = System.nanoTime();
            return response.statusCode() == 200 ? Optional.of(new Reading(nanos, parse(response.body()))) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /** Empty where the ledger applied nothing, as under a baseline's load. */
    static Optional<Observed> between(Reading first, Reading last) {
        double applied = grown(first, last, APPLIED);
        double groups = grown(first, last, GROUP + "_count");
        double commits = grown(first, last, COMMIT + "_count");
        if (applied <= 0 || groups <= 0 || commits <= 0) {
            return Optional.empty();
        }
        return Optional.of(new Observed(applied * 1e9 / (last.nanos() - first.nanos()), grown(first, last, GROUP + "_sum") / groups,
                grown(first, last, COMMIT + "_sum") / commits * 1e3));
    }

    private static double grown(Reading first, Reading last, String name) {
        return last.values().getOrDefault(name, 0.0) - first.values().getOrDefault(name, 0.0);
    }

    /** Prometheus' text format, as far as it is needed: a sum by name, and one by name and outcome. */
    static Map<String, Double> parse(String text) {
        Map<String, Double> values = new HashMap<>();
        text.lines().filter(line -> !line.isBlank() && !line.startsWith("#")).forEach(line -> {
            int space = line.lastIndexOf(' ');
            int labels = line.indexOf('{');
            String name = line.substring(0, labels >= 0 ? labels : space);
            double value = Double.parseDouble(line.substring(space + 1).replace("+Inf", "Infinity"));
            values.merge(name, value, Double::sum);
            int outcome = line.indexOf("outcome=\"");
            if (outcome >= 0) {
                String which = line.substring(outcome + 9, line.indexOf('"', outcome + 9));
                values.merge(name + "{outcome=" + which + "}", value, Double::sum);
            }
        });
        return values;
    }
}
