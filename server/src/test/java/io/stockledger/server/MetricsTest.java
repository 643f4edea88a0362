package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.newId;
import static io.stockledger.server.RunningLedger.problem;
import static io.stockledger.server.RunningLedger.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.typesafe.config.ConfigFactory;
import io.grpc.Context;
import io.grpc.Status.Code;
import io.stockledger.client.Mutations;
import io.stockledger.server.journal.StartupException;
import io.stockledger.server.metrics.Metrics;
import io.stockledger.v1.DeleteSubscriptionRequest;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a running ledger says of itself on its metrics port is what has happened. */
class MetricsTest {
    private static final Path DASHBOARD = Path.of("docs", "grafana", "stockledger.json");
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static HttpResponse<String> http(String url, String method, String... headers) {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).timeout(RunningLedger.BOUND)
                    .method(method, HttpRequest.BodyPublishers.noBody());
            for (int i = 0; i < headers.length; i += 2) {
                request.header(headers[i], headers[i + 1]);
            }
            return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Every series and its value, by its name with its labels as they stand. */
    private static Map<String, Double> scrape(RunningLedger ledger) {
        Map<String, Double> values = new HashMap<>();
        http(ledger.server().metricsUrl().orElseThrow(), "GET").body().lines()
                .filter(line -> !line.startsWith("#") && !line.isBlank())
                .forEach(line -> values.put(line.substring(0, line.lastIndexOf(' ')),
                        Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1))));
        return values;
    }

    private static double value(RunningLedger ledger, String series) {
        return Optional.ofNullable(scrape(ledger).get(series)).orElseThrow(() -> new AssertionError("no " + series));
    }

    private static String mutations(String outcome, String reason) {
        return "stockledger_mutations_total{outcome=\"" + outcome + "\",reason=\"" + reason + "\"}";
    }

    private static List<Mutation.Builder> receipts(String sku, int count) {
        List<Mutation.Builder> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batch.add(Mutations.receive(sku, 1));
        }
        return batch;
    }

    @Test
    void mutationsAreCountedOnceEachByWhatCameOfThem() {
        try (RunningLedger ledger = RunningLedger.start("")) {
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            stream.send(receipts("hot", 1_000));
            stream.send(receipts("hot", 500));
            assertEquals(1_500, stream.results(2).size());
            for (int i = 0; i < 3; i++) {
                ledger.applied(Mutations.receive("cold-" + i, 1));
            }
            for (int i = 0; i < 7; i++) {
                ledger.refused(Mutations.sell("cold-0", 5));
            }
            ledger.refused(Mutations.release("cold-0", "no-such-hold"));
            String id = newId();
            ledger.applied(Mutations.sell("hot", 1).setMutationId(id));
            for (int i = 0; i < 4; i++) {
                assertTrue(ledger.applied(Mutations.sell("hot", 1).setMutationId(id)).getReplayed());
            }
            assertEquals("MUTATION_ID_REUSED", problem(() -> ledger.apply(
                    Mutations.sell("hot", 2).setMutationId(id))).reason());
            assertEquals("INVALID_FIELD", problem(() -> ledger.apply(Mutations.sell("hot", 0))).reason());
            stream.send(Mutations.sell("hot", 0), Mutations.sell("hot", 1));
            stream.results();
            ledger.stock("hot");

            Map<String, Double> seen = scrape(ledger);
            assertEquals(1_505, seen.get(mutations("applied", "none")));
            assertEquals(4, seen.get(mutations("replayed", "none")));
            assertEquals(7, seen.get(mutations("refused", "INSUFFICIENT_STOCK")));
            assertEquals(1, seen.get(mutations("refused", "RESERVATION_NOT_FOUND")));
            assertEquals(1, seen.get(mutations("failed", "MUTATION_ID_REUSED")));
            assertEquals(2, seen.get(mutations("invalid", "none")));
            double all = seen.entrySet().stream().filter(series -> series.getKey().startsWith("stockledger_mutations_total"))
                    .mapToDouble(Map.Entry::getValue).sum();
            assertEquals(1_505 + 4 + 7 + 1 + 1 + 2, all);

            assertEquals(1_505, seen.get("stockledger_group_entries_sum"));
            double rows = seen.get("stockledger_group_entries_count");
            // The two large requests may have gone down as one.
            assertTrue(rows >= 6 && rows < 20, () -> "rows: " + rows);
            assertEquals(rows, seen.get("stockledger_commit_seconds_count"));
            assertEquals(rows, seen.get("stockledger_group_entries_bucket{le=\"+Inf\"}"));
            assertEquals(4 + 1, seen.get("stockledger_look_up_seconds_count"));
            assertEquals(4, seen.get("stockledger_resident_skus"));
            assertEquals(4, seen.get("stockledger_recovery_seconds_count"));
            assertEquals(3, seen.get("stockledger_calls_seconds_count{call=\"StreamMutations\"}"));
            assertEquals(1, seen.get("stockledger_calls_seconds_count{call=\"GetStock\"}"));
            assertEquals(1, seen.get("stockledger_call_errors_total{call=\"ApplyMutation\",code=\"INVALID_ARGUMENT\"}"));
            assertEquals(1, seen.get("stockledger_streams_open"));
            assertEquals(0, seen.get("stockledger_waiting"));
        }
    }

    @Test
    void entriesThatTheLedgerWritesByItselfAreEntriesAndNoMutations() {
        try (RunningLedger ledger = RunningLedger.start("stockledger.entity.sweep-interval = 100 ms")) {
            ledger.applied(Mutations.receive("a", 1));
            ledger.applied(Mutations.reserve("a", 1, java.time.Duration.ofSeconds(60)));
            ledger.clock.forward(java.time.Duration.ofSeconds(61));
            await("the hold has expired", () -> ledger.entries("a").size() == 3);
            await("it is counted", () -> value(ledger, "stockledger_group_entries_sum") == 3);
            assertEquals(2, value(ledger, mutations("applied", "none")));
        }
    }

    @Test
    void whatWaitsIsSeenAndWhatIsTurnedAwayIsCounted() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.api.waiting-max = 10")) {
            ledger.applied(Mutations.receive("hot", 1));
            LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel());
            try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
                for (int i = 0; i < 13; i++) {
                    calls.applyMutation(request(Mutations.receive("hot", 1)));
                }
                held.awaitOne();
                await("three are turned away", () -> value(ledger, mutations("failed", "TOO_MANY_WAITING")) == 3);
                assertEquals(10, value(ledger, "stockledger_waiting"));
                assertEquals(10, value(ledger, "stockledger_waiting_limit"));
                assertEquals(1, value(ledger, mutations("applied", "none")));
            }
            await("all are answered", () -> value(ledger, "stockledger_waiting") == 0);
            assertEquals(11, value(ledger, mutations("applied", "none")));
            assertEquals(3, value(ledger, "stockledger_call_errors_total{call=\"ApplyMutation\",code=\"RESOURCE_EXHAUSTED\"}"));
        }
    }

    @Test
    void aFailedWriteIsCountedAsOneOfUnknownOutcome() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("")) {
            ledger.applied(Mutations.receive("a", 1));
            LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel());
            try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
                var lost = calls.applyMutation(request(Mutations.receive("a", 1)));
                held.awaitOne();
                try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement()) {
                    statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                            + " AND wait_event_type = 'Lock' AND query ILIKE '%insert into%event_journal%'");
                }
                await("the caller is told", lost::isDone);
            }
            Map<String, Double> seen = scrape(ledger);
            assertEquals(1, seen.get(mutations("failed", "OUTCOME_UNKNOWN")));
            assertEquals(1, seen.get("stockledger_store_failures_total{during=\"write\"}"));
            await("it serves again", () -> value(ledger, "stockledger_recovery_seconds_count") == 2);
        }
    }

    @Test
    void subscribersAndWhatHoldsThemBackAreSeen() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.journal.tail.held-back-warning = 1 hour");
                Connection blocker = ledger.superuser(); Statement statement = blocker.createStatement()) {
            Context.CancellableContext call = Context.current().withCancellation();
            try {
                Iterator<SubscribeResponse> messages = call.call(() -> ledger.feed().subscribe(
                        SubscribeRequest.newBuilder().setFromBeginning(true).build()));
                while (!messages.next().getCaughtUp()) {
                    assertTrue(messages.hasNext());
                }
                assertEquals(1, value(ledger, "stockledger_subscribers{state=\"live\"}"));
                assertEquals(0, value(ledger, "stockledger_subscribers{state=\"catching_up\"}"));
                ledger.applied(Mutations.receive("a", 1));
                await("the lag of its commit is measured", () -> value(ledger, "stockledger_tail_lag_seconds_count") > 0);
                await("the subscriber has all", () -> value(ledger, "stockledger_subscribers_behind_longest_seconds") == 0);
                assertTrue(value(ledger, "stockledger_feed_sent_bytes_total") > 0);
                assertEquals(0, value(ledger, "stockledger_feed_watermark_age_seconds"));

                blocker.setAutoCommit(false);
                statement.execute("SELECT pg_current_xact_id()");
                ledger.applied(Mutations.receive("a", 1));
                await("the age of what is held back grows", () -> value(ledger, "stockledger_feed_watermark_age_seconds") > 0.2
                        && value(ledger, "stockledger_feed_completeness_age_seconds") > 0.2);
                blocker.rollback();
                await("all is well again", () -> value(ledger, "stockledger_feed_watermark_age_seconds") == 0
                        && value(ledger, "stockledger_subscribers_behind_longest_seconds") == 0);
            } finally {
                call.cancel(null);
            }
            await("nobody subscribes", () -> value(ledger, "stockledger_subscribers{state=\"live\"}") == 0);
        }
    }

    @Test
    void aNameThatNobodyConsumesIsSeenToFallBehind() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.subscriptions { measure-interval = 50 ms, look-interval = 50 ms }")) {
            try (Context.CancellableContext call = Context.current().withCancellation()) {
                call.call(() -> ledger.feed().subscribe(SubscribeRequest.newBuilder().setName("web").setFromBeginning(true)
                        .setFilter(FeedFilter.newBuilder().addSkus("a")).build()).next());
                await("its consumer is seen", () -> scrape(ledger).getOrDefault("stockledger_subscription_consumers{name=\"web\"}", 0.0) == 1);
                assertEquals(0, value(ledger, "stockledger_subscription_behind_seconds{name=\"web\"}"));
            }
            await("it has gone", () -> value(ledger, "stockledger_subscription_consumers{name=\"web\"}") == 0);
            ledger.applied(Mutations.receive("b", 1));
            ledger.applied(Mutations.receive("a", 1));
            await("the age of what nobody takes grows", () -> value(ledger, "stockledger_subscription_behind_seconds{name=\"web\"}") > 0.2);
            ledger.feed().deleteSubscription(DeleteSubscriptionRequest.newBuilder().setName("web").build());
            await("a name that is gone is not told of", () -> scrape(ledger).keySet().stream().noneMatch(series -> series.contains("name=\"web\"")));
        }
    }

    @Test
    void snapshotsAreCounted() {
        try (RunningLedger ledger = RunningLedger.start("stockledger.entity.snapshot-rows = 3")) {
            for (int i = 0; i < 6; i++) {
                ledger.applied(Mutations.receive("a", 1));
            }
            await("two snapshots", () -> value(ledger, "stockledger_snapshots_total{outcome=\"written\"}") == 2);
        }
    }

    // ---- The dashboard ----

    @Test
    void everythingThatTheDashboardAsksForIsThere() throws Exception {
        Set<String> asked = new HashSet<>();
        Matcher names = Pattern.compile("\\b(stockledger|jvm|process|system)_[a-z0-9_]+").matcher(
                String.join("\n", panels().stream().flatMap(panel -> queries(panel).stream()).toList()));
        while (names.find()) {
            asked.add(names.group());
        }
        try (RunningLedger ledger = RunningLedger.start("stockledger.subscriptions.measure-interval = 50 ms")) {
            ledger.applied(Mutations.receive("a", 1));
            problem(() -> ledger.apply(Mutations.sell("a", 0)));
            Context.current().withCancellation().call(() -> ledger.feed().subscribe(
                    SubscribeRequest.newBuilder().setName("web").setFromBeginning(true).build()).next());
            await("names are measured", () -> scrape(ledger).containsKey("stockledger_subscription_parked{name=\"web\"}"));
            // The first pause brings its meter.
            System.gc();
            await("a pause is measured", () -> scrape(ledger).keySet().stream().anyMatch(
                    series -> series.startsWith("jvm_gc_pause_seconds_sum")));
            Set<String> there = scrape(ledger).keySet().stream().map(series -> series.replaceFirst("\\{.*", ""))
                    .collect(Collectors.toSet());
            Set<String> missing = new HashSet<>(asked);
            missing.removeAll(there);
            assertEquals(Set.of(), missing);
            Set<String> unseen = there.stream().filter(name -> name.startsWith("stockledger_"))
                    .map(name -> name.replaceFirst("_(sum|count|bucket|max)$", "")).collect(Collectors.toSet());
            unseen.removeIf(name -> asked.stream().anyMatch(query -> query.startsWith(name)));
            assertEquals(Set.of(), unseen, "measured, and on no panel");
        }
    }

    @Test
    void everyPanelSaysWhatItShowsAndInWhichUnit() throws Exception {
        List<JsonObject> panels = panels();
        assertTrue(panels.size() > 15);
        for (JsonObject panel : panels) {
            String title = panel.get("title").getAsString();
            assertTrue(panel.has("description") && panel.get("description").getAsString().length() > 20, title);
            assertFalse(panel.getAsJsonObject("fieldConfig").getAsJsonObject("defaults").get("unit").getAsString().isEmpty(), title);
            assertEquals("${source}", panel.getAsJsonObject("datasource").get("uid").getAsString(), title);
            assertFalse(queries(panel).isEmpty(), title);
        }
    }

    /** Those that show something. */
    private static List<JsonObject> panels() throws IOException {
        List<JsonObject> panels = new ArrayList<>();
        for (JsonElement panel : JsonParser.parseString(Files.readString(DASHBOARD)).getAsJsonObject().getAsJsonArray("panels")) {
            String type = panel.getAsJsonObject().get("type").getAsString();
            if (!type.equals("row") && !type.equals("text")) {
                panels.add(panel.getAsJsonObject());
            }
        }
        return panels;
    }

    private static List<String> queries(JsonObject panel) {
        List<String> queries = new ArrayList<>();
        panel.getAsJsonArray("targets").forEach(target -> queries.add(target.getAsJsonObject().get("expr").getAsString()));
        return queries;
    }

    // ---- The port ----

    @Test
    void theEndpointSpeaksBothFormsOfPrometheusAndNothingElse() {
        try (RunningLedger ledger = RunningLedger.start("")) {
            String url = ledger.server().metricsUrl().orElseThrow();
            HttpResponse<String> text = http(url, "GET");
            assertEquals(200, text.statusCode());
            assertEquals("text/plain; version=0.0.4; charset=utf-8", text.headers().firstValue("Content-Type").orElse(""));
            assertTrue(text.body().contains("\n# HELP jvm_memory_used_bytes "));
            assertTrue(text.body().contains("\nprocess_start_time_seconds "));
            HttpResponse<String> open = http(url, "GET", "Accept",
                    "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.2");
            assertTrue(open.headers().firstValue("Content-Type").orElse("").startsWith("application/openmetrics-text"));
            assertTrue(open.body().endsWith("# EOF\n"));
            assertEquals("", http(url, "HEAD").body());
            assertEquals(405, http(url, "POST").statusCode());
            assertEquals(404, http(url.replace("/metrics", "/"), "GET").statusCode());
        }
    }

    @Test
    void twoLedgersInOneProcessCountApart() {
        try (RunningLedger one = RunningLedger.start(""); RunningLedger other = RunningLedger.start("")) {
            one.applied(Mutations.receive("a", 1));
            assertEquals(1, value(one, mutations("applied", "none")));
            assertEquals(0, value(other, mutations("applied", "none")));
        }
    }

    @Test
    void aMetricsPortThatWasAskedForAndIsTakenIsSaidInOneLine() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            StartupException refused = assertThrows(StartupException.class, () -> RunningLedger.start(
                    "stockledger.metrics.port = " + other.getLocalPort()));
            assertEquals(1, refused.getMessage().lines().count());
            assertTrue(refused.getMessage().contains(other.getLocalPort() + "") && refused.getMessage().contains("--metrics-port"),
                    refused.getMessage());
        }
        assertThrows(StartupException.class, () -> RunningLedger.start("stockledger.metrics.port = 65536"));
        assertThrows(StartupException.class, () -> RunningLedger.start("stockledger.metrics.host = \"no such host\""));
    }

    @Test
    void aTakenDefaultPortDoesNotKeepASecondLedgerFromServing() throws Exception {
        Optional<ServerSocket> taken = take(7401);
        Metrics second = Metrics.start(Server.config(ConfigFactory.empty()).getConfig("stockledger.metrics"));
        try {
            String url = second.url().orElseThrow();
            assertFalse(url.contains(":7401/"), url);
            assertEquals(200, http(url, "GET").statusCode());
            // The same number, but asked for.
            assertThrows(StartupException.class, () -> Metrics.start(Server.config(ConfigFactory.parseString(
                    "stockledger.metrics.port = 7401")).getConfig("stockledger.metrics")));
        } finally {
            second.close();
            if (taken.isPresent()) {
                taken.get().close();
            }
        }
    }

    /** Empty: somebody else has it. */
    private static Optional<ServerSocket> take(int port) {
        try {
            return Optional.of(new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1")));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Test
    void turnedOffThereIsNoPortAndTheLedgerServes() {
        try (RunningLedger ledger = RunningLedger.start("stockledger.metrics.enabled = false")) {
            assertEquals(Optional.empty(), ledger.server().metricsUrl());
            ledger.applied(Mutations.receive("a", 1));
            ledger.refused(Mutations.sell("a", 2));
            assertEquals(Code.INVALID_ARGUMENT, problem(() -> ledger.apply(Mutations.sell("a", 0))).code());
        }
    }

    @Test
    void theMetricsSayWhenTheLedgerBeganToServe() {
        double before = Clock.systemUTC().millis() / 1_000.0;
        try (RunningLedger ledger = RunningLedger.start("")) {
            double ready = value(ledger, "stockledger_ready_time_seconds");
            assertTrue(ready >= before && ready <= ledger.clock.millis() / 1_000.0, () -> "ready: " + ready);
        }
    }

    @Test
    void skusThatWereWrittenLastComeIntoMemoryByThemselvesAtAStart() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("")) {
            ledger.applied(Mutations.receive("one", 1));
            ledger.applied(Mutations.receive("other", 1));
            ledger.restart();
            await("both are in memory", () -> value(ledger, "stockledger_resident_skus") == 2);
        }
    }
}
