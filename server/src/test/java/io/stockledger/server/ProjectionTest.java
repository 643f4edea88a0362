package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.StatusRuntimeException;
import io.stockledger.client.Mutations;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.v1.AdjustReason;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.ListReservationsRequest;
import io.stockledger.v1.ListReservationsResponse;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.ProjectedStock;
import io.stockledger.v1.ProjectionFreshness;
import io.stockledger.v1.RebuildProjectionRequest;
import io.stockledger.v1.RebuildProjectionResponse;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.ReservationState;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import io.stockledger.v1.UnavailableReason;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The projection as its readers meet it, over gRPC and over SQL: equal to a replay, and true about its age. */
class ProjectionTest {
    /** Names that SQL, arrays, JSON and patterns might trip over. */
    private static final List<String> ODD = List.of("odd %_", "odd {a,\"b\"}", "odd '; --", "odd \\ back", "odd NULL", "odd ñ€ 🙂",
            "odd\uFFFF", "odd \u2028|tab");
    private static final List<String> LOCATIONS = List.of("main", "Köln / 2", "store|\"7\"");
    private static final List<String> CHANNELS = List.of("", "web", "till'1");
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.projection { interval = 20 ms, transaction-rows = 50, page-bytes = 16 KiB }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    // ---- What it costs ----

    /** The plan is made while the table is empty, where reading it whole is the cheapest way, and kept. */
    @Test
    void changeOfAReservationDoesNotReadTheOthers() throws SQLException {
        reflectsWhatWasAnswered();
        long whole = reads("seq_scan");
        long byKey = reads("idx_scan");
        ledger.applied(Mutations.receive("plan", 100));
        for (int i = 0; i < 60; i++) {
            ledger.applied(Mutations.reserve("plan", 1, Duration.ofMinutes(5)).setMutationId("plan-" + i));
            reflectsWhatWasAnswered();
            ledger.applied(Mutations.release("plan", "plan-" + i, 1));
            reflectsWhatWasAnswered();
        }
        await("the store's counts", () -> reads("idx_scan") - byKey >= 60);
        assertTrue(reads("seq_scan") - whole < 30, (reads("seq_scan") - whole) + " times all reservations for 60 that changed");
    }

    private static long reads(String how) throws SQLException {
        return ledger.count("SELECT sum(" + how + ") FROM pg_stat_all_tables WHERE relname LIKE 'reservations\\__'");
    }

    // ---- What is in it ----

    /** Everything answered before this call is in the projection afterwards, since it says so itself. */
    private static ProjectionFreshness reflectsWhatWasAnswered() {
        long now = ledger.clock.millis();
        AtomicReference<ProjectionFreshness> freshness = new AtomicReference<>();
        await("the projection is as of now", () -> {
            freshness.set(ledger.calls().listStock(ListStockRequest.newBuilder().setPageSize(1).build()).getFreshness());
            return EntryCodec.millis(freshness.get().getAsOfTime()) >= now;
        });
        return freshness.get();
    }

    private static List<ProjectedStock> list(ListStockRequest.Builder request) {
        List<ProjectedStock> rows = new ArrayList<>();
        while (true) {
            ListStockResponse page = ledger.calls().listStock(request.build());
            rows.addAll(page.getStocksList());
            if (page.getNextPageToken().isEmpty()) {
                return rows;
            }
            assertFalse(page.getStocksList().isEmpty());
            request.setPageToken(page.getNextPageToken());
        }
    }

    private static List<Reservation> list(ListReservationsRequest.Builder request) {
        List<Reservation> rows = new ArrayList<>();
        while (true) {
            ListReservationsResponse page = ledger.calls().listReservations(request.build());
            rows.addAll(page.getReservationsList());
            if (page.getNextPageToken().isEmpty()) {
                return rows;
            }
            request.setPageToken(page.getNextPageToken());
        }
    }

    private static void assertEqualsReplay(String sku) throws SQLException {
        Replayed replayed = Replayed.of(ledger.entries(sku));
        Map<String, String> stock = new TreeMap<>();
        for (ProjectedStock row : list(ListStockRequest.newBuilder().setSkuPrefix(sku).setPageSize(2))) {
            if (row.getSku().equals(sku)) {
                stock.put(row.getBalance().getLocation(),
                        Replayed.stock(row.getBalance(), row.getSequence(), EntryCodec.millis(row.getRecordedAt())));
            }
        }
        Map<String, Reservation> reservations = new TreeMap<>();
        list(ListReservationsRequest.newBuilder().setSku(sku).setPageSize(3)).forEach(it -> reservations.put(it.getReservationId(), it));
        Map<String, Long> movements = new TreeMap<>();
        try (Connection connection = ledger.superuser(); PreparedStatement query = connection.prepareStatement(
                "SELECT * FROM projection.daily_movements WHERE sku = ?")) {
            query.setString(1, sku);
            try (ResultSet row = query.executeQuery()) {
                while (row.next()) {
                    movements.put(Replayed.movement(row.getString("day"), row.getString("location"), row.getString("to_location"),
                            row.getString("from_bucket"), row.getString("to_bucket"), row.getString("kind"), row.getString("channel")),
                            row.getLong("units"));
                }
            }
        }
        assertEquals(replayed, new Replayed(stock, reservations, movements), sku);
    }

    /** One mutation of any verb; many are refused, which writes nothing. */
    private static Mutation.Builder some(Random random, String sku) {
        String hold = sku.hashCode() + "-hold-" + random.nextInt(12);
        int units = 1 + random.nextInt(5);
        String channel = CHANNELS.get(random.nextInt(CHANNELS.size()));
        Mutation.Builder mutation = switch (random.nextInt(20)) {
            case 0 -> Mutations.expect(sku, units, "PO");
            case 1 -> Mutations.cancelExpected(sku, 1, "PO");
            case 2 -> Mutations.receiveExpected(sku, 1, "PO");
            case 3, 4 -> Mutations.receive(sku, 10 * units);
            case 5, 6 -> Mutations.reserve(sku, units, Duration.ofSeconds(1 + random.nextInt(40))).setMutationId(hold);
            case 7 -> Mutations.extend(sku, hold, Duration.ofSeconds(60));
            case 8 -> Mutations.release(sku, hold, 1);
            case 9, 10 -> Mutations.commit(sku, hold, 1);
            case 11 -> Mutations.fulfill(sku, hold, 1);
            case 12 -> Mutations.cancelCommitted(sku, hold, 1);
            case 13 -> random.nextBoolean() ? Mutations.sell(sku, units) : Mutations.sellAlreadyHappened(sku, units);
            case 14 -> random.nextBoolean() ? Mutations.returned(sku, units) : Mutations.returned(sku, units, UnavailableReason.UNAVAILABLE_REASON_DAMAGED);
            case 15 -> random.nextBoolean() ? Mutations.setAside(sku, 1, UnavailableReason.UNAVAILABLE_REASON_QUALITY_CONTROL)
                    : Mutations.putBack(sku, 1, UnavailableReason.UNAVAILABLE_REASON_QUALITY_CONTROL);
            case 16 -> random.nextBoolean() ? Mutations.shipTransfer(sku, 1, LOCATIONS.get(1), "T-1") : Mutations.receiveTransfer(sku, 1, "T-1").setLocation(LOCATIONS.get(1));
            case 17 -> random.nextBoolean() ? Mutations.adjust(sku, -1, AdjustReason.ADJUST_REASON_OTHER) : Mutations.count(sku, 20);
            case 18 -> Mutations.setSafetyStock(sku, random.nextInt(4));
            default -> random.nextBoolean() ? Mutations.setChannelAllocation(sku, "web", units)
                    : Mutations.setChannelAllocation(sku, "till'1", units, 50);
        };
        if (mutation.getLocation().isEmpty() && mutation.getMutationId().isEmpty()) {
            mutation.setLocation(LOCATIONS.get(random.nextInt(LOCATIONS.size())));
        }
        if (mutation.getChannel().isEmpty()) {
            mutation.setChannel(channel);
        }
        return mutation;
    }

    /** Mutations, valid or not, one after the other. */
    private static void mutate(Random random, String sku, int count) {
        for (int i = 0; i < count; i++) {
            try {
                ledger.apply(some(random, sku));
            } catch (StatusRuntimeException malformed) {
                // Not every draw is a mutation that the door lets in.
            }
        }
    }

    @Test
    void everyVerbLeavesThereWhatAReplayTells() throws Exception {
        for (int round = 0; round < 3; round++) {
            int chance = 100 * round;
            CompletableFuture.allOf(ODD.stream().map(sku -> CompletableFuture.runAsync(
                    () -> mutate(new Random(chance + ODD.indexOf(sku)), sku, 50))).toArray(CompletableFuture[]::new)).join();
            // Holds expire, by themselves or before a SKU's next decision, and a day ends.
            ledger.clock.forward(Duration.ofHours(13));
        }
        ODD.forEach(sku -> ledger.applied(Mutations.receive(sku, 1)));
        reflectsWhatWasAnswered();
        for (String sku : ODD) {
            assertEqualsReplay(sku);
        }
        assertTrue(ledger.count("SELECT count(DISTINCT kind) FROM projection.daily_movements WHERE starts_with(sku, 'odd')") >= 14);
        assertTrue(ledger.count("SELECT count(DISTINCT day) FROM projection.daily_movements WHERE starts_with(sku, 'odd')") >= 2);
        assertTrue(ledger.count("SELECT count(*) FROM projection.stock WHERE allocations IS NOT NULL") > 0);
    }

    @Test
    void aPrefixAPlaceAndALowNumberFindWhatTheySayAndNothingElse() {
        for (String sku : List.of("filter-%", "filter-%x", "filter-a", "filter-\uFFFFz", "filter-\uDBFF\uDFFF", "filterz", "filter")) {
            ledger.applied(Mutations.receive(sku, 5).setLocation("here"));
            ledger.applied(Mutations.receive(sku, 2).setLocation("there"));
        }
        reflectsWhatWasAnswered();
        assertEquals(List.of("filter-%", "filter-%x"), skus(ListStockRequest.newBuilder().setSkuPrefix("filter-%").setLocation("here")));
        assertEquals(List.of("filter-\uFFFFz"), skus(ListStockRequest.newBuilder().setSkuPrefix("filter-\uFFFF").setLocation("here")));
        assertEquals(List.of("filter-\uDBFF\uDFFF"), skus(ListStockRequest.newBuilder().setSkuPrefix("filter-\uDBFF\uDFFF").setLocation("here")));
        assertEquals(6, skus(ListStockRequest.newBuilder().setSkuPrefix("filter-").setLocation("here")).size() + 1);
        assertEquals(7, skus(ListStockRequest.newBuilder().setSkuPrefix("filter").setAvailableBelow(3)).size());
        assertEquals(0, skus(ListStockRequest.newBuilder().setSkuPrefix("filter").setAvailableBelow(2)).size());
        assertEquals(0, skus(ListStockRequest.newBuilder().setSkuPrefix("filter").setLocation("nowhere")).size());
        // In the order of bytes, and so of code points, not of UTF-16.
        assertEquals(List.of("filter", "filter-%", "filter-%x", "filter-a", "filter-\uFFFFz", "filter-\uDBFF\uDFFF", "filterz"),
                skus(ListStockRequest.newBuilder().setSkuPrefix("filter").setLocation("there").setPageSize(2)));
    }

    private static List<String> skus(ListStockRequest.Builder request) {
        return list(request).stream().map(ProjectedStock::getSku).toList();
    }

    @Test
    void reservationsAreFoundByStateChannelAndPlace() {
        for (int i = 0; i < 7; i++) {
            String sku = "held-" + i;
            ledger.applied(Mutations.receive(sku, 5).setLocation("a"));
            ledger.applied(Mutations.reserve(sku, 2, Duration.ofDays(1)).setMutationId("r" + i).setLocation("a").setChannel(i % 2 == 0 ? "web" : "pos"));
        }
        ledger.applied(Mutations.release("held-3", "r3"));
        reflectsWhatWasAnswered();
        assertEquals(7, list(ListReservationsRequest.newBuilder().setSkuPrefix("held-").setPageSize(2)).size());
        assertEquals(6, list(ListReservationsRequest.newBuilder().setSkuPrefix("held-").setState(ReservationState.RESERVATION_STATE_OPEN)).size());
        assertEquals(List.of("r3"), list(ListReservationsRequest.newBuilder().setSkuPrefix("held-")
                .setState(ReservationState.RESERVATION_STATE_CLOSED)).stream().map(Reservation::getReservationId).toList());
        assertEquals(3, list(ListReservationsRequest.newBuilder().setSkuPrefix("held-").setChannel("pos")).size());
        assertEquals(0, list(ListReservationsRequest.newBuilder().setSkuPrefix("held-").setLocation("b")).size());
    }

    @Test
    void aPageTokenIsOnlyGoodForTheRequestThatItWasGivenTo() {
        ledger.applied(Mutations.receive("page-1", 1));
        ledger.applied(Mutations.receive("page-2", 1));
        reflectsWhatWasAnswered();
        ListStockRequest.Builder request = ListStockRequest.newBuilder().setSkuPrefix("page-").setPageSize(1);
        String token = ledger.calls().listStock(request.build()).getNextPageToken();
        assertFalse(token.isEmpty());
        for (ListStockRequest.Builder other : List.of(
                ListStockRequest.newBuilder().setSkuPrefix("page").setPageToken(token),
                ListStockRequest.newBuilder().setSkuPrefix("page-").setAvailableBelow(0).setPageToken(token),
                request.clone().setPageToken("nonsense"),
                request.clone().setPageToken("AAAA"),
                request.clone().setPageToken(token.substring(1)),
                request.clone().setPageToken(token + token))) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", problem(() -> ledger.calls().listStock(other.build())).name(), other::toString);
        }
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD",
                problem(() -> ledger.calls().listReservations(ListReservationsRequest.newBuilder().setPageToken(token).build())).name());
        // The page's size may change.
        assertEquals("page-2", ledger.calls().listStock(request.clone().setPageSize(9).setPageToken(token).build()).getStocks(0).getSku());
    }

    @Test
    void whatCanNotBeAskedForIsSaidClearly() {
        for (ListStockRequest request : List.of(
                ListStockRequest.newBuilder().setPageSize(-1).build(),
                ListStockRequest.newBuilder().setSkuPrefix("x".repeat(129)).build(),
                ListStockRequest.newBuilder().setSkuPrefix("a\u0000").build(),
                ListStockRequest.newBuilder().setLocation("x".repeat(65)).build(),
                ListStockRequest.newBuilder().setChannel("x".repeat(65)).build())) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", problem(() -> ledger.calls().listStock(request)).name(), request::toString);
        }
        for (ListReservationsRequest request : List.of(
                ListReservationsRequest.newBuilder().setStateValue(99).build(),
                ListReservationsRequest.newBuilder().setSku("x".repeat(129)).build(),
                ListReservationsRequest.newBuilder().setSku(" ").build(),
                ListReservationsRequest.newBuilder().setChannel("x".repeat(65)).build())) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", problem(() -> ledger.calls().listReservations(request)).name(), request::toString);
        }
    }

    @Test
    void theCursorOfAPageIsOneToSubscribeAfter() {
        ledger.applied(Mutations.receive("cursor", 1));
        ProjectionFreshness freshness = reflectsWhatWasAnswered();
        ledger.applied(Mutations.receive("cursor", 2));
        Iterator<SubscribeResponse> feed = ledger.feed().subscribe(SubscribeRequest.newBuilder().setAfterCursor(freshness.getCursor()).build());
        SubscribeResponse first = feed.next();
        while (first.getEntriesCount() == 0) {
            first = feed.next();
        }
        assertTrue(first.getEntriesList().stream().anyMatch(entry -> entry.getSku().equals("cursor") && entry.getSequence() == 2));
        assertTrue(first.getEntriesList().stream().noneMatch(entry -> entry.getSku().equals("cursor") && entry.getSequence() == 1));
    }

    // ---- What an audit finds in it ----

    /** What an audit finds of a SKU: each finding's kind and sequence. */
    private static List<String> audited(String sku) {
        List<String> findings = new ArrayList<>();
        ledger.admin().audit(AuditRequest.newBuilder().addSkus(sku).build()).forEachRemaining(answer -> {
            if (answer.hasFinding()) {
                findings.add(answer.getFinding().getKind().name().replace("AUDIT_FINDING_KIND_", "") + " " + answer.getFinding().getSequence());
            }
        });
        return findings;
    }

    @Test
    void anEditedOrMissingRowIsFoundByAnAuditAtTheEntryThatItContradicts() throws SQLException {
        ledger.applied(Mutations.receive("held-against", 7));
        ledger.applied(Mutations.reserve("held-against", 2, Duration.ofMinutes(5)));
        ledger.applied(Mutations.receive("held-against", 1).setLocation("shop"));
        reflectsWhatWasAnswered();
        assertEquals(List.of(), audited("held-against"));
        String shown = shownSet();
        ForgedRows.tamper(ledger, "UPDATE projection.stock_" + shown + " SET available = 6 WHERE sku = 'held-against' AND location = 'main'");
        assertEquals(List.of("PROJECTION_DRIFT 2"), audited("held-against"));
        ForgedRows.tamper(ledger, "UPDATE projection.stock_" + shown + " SET available = 5 WHERE sku = 'held-against' AND location = 'main'",
                "DELETE FROM projection.stock_" + shown + " WHERE sku = 'held-against' AND location = 'shop'");
        assertEquals(List.of("PROJECTION_DRIFT 3"), audited("held-against"));
        ForgedRows.tamper(ledger, "DELETE FROM projection.stock_" + shown + " WHERE sku = 'held-against'",
                "DELETE FROM projection.reservations_" + shown + " WHERE sku = 'held-against'");
        assertEquals(List.of("PROJECTION_DRIFT 2", "PROJECTION_DRIFT 3", "PROJECTION_DRIFT 2"), audited("held-against"));
    }

    @Test
    void editedDailyMovementsAndClosedReservationsAreFoundByAnAudit() throws SQLException {
        String sku = "moved-by-hand";
        ledger.applied(Mutations.receive(sku, 7));
        for (String hold : List.of("hold-1", "hold-2", "hold-3")) {
            ledger.applied(Mutations.reserve(sku, 2, Duration.ofMinutes(5)).setMutationId(hold));
        }
        ledger.applied(Mutations.release(sku, "hold-1"));
        ledger.applied(Mutations.commit(sku, "hold-2"));
        ledger.applied(Mutations.fulfill(sku, "hold-2"));
        reflectsWhatWasAnswered();
        assertEquals(List.of(), audited(sku));
        String shown = shownSet();
        String movements = "projection.daily_movements_" + shown;
        String reservations = "projection.reservations_" + shown;
        ForgedRows.tamper(ledger, "UPDATE " + movements + " SET units = units - 2, entries = entries - 1 WHERE sku = '" + sku + "' AND kind = 'reserve'");
        assertEquals(List.of("PROJECTION_DRIFT 4"), audited(sku), "as if it lacked the last of three");
        ForgedRows.tamper(ledger, "DELETE FROM " + movements + " WHERE sku = '" + sku + "' AND kind = 'reserve'");
        assertEquals(List.of("PROJECTION_DRIFT 4"), audited(sku), "deleted");
        ForgedRows.tamper(ledger, "UPDATE " + reservations + " SET released = 1, expired = 1 WHERE sku = '" + sku + "' AND reservation_id = 'hold-1'",
                "DELETE FROM " + reservations + " WHERE sku = '" + sku + "' AND reservation_id = 'hold-2'");
        assertEquals(List.of("PROJECTION_DRIFT 4", "PROJECTION_DRIFT 5", "PROJECTION_DRIFT 7"), audited(sku));
        ForgedRows.tamper(ledger, "UPDATE " + reservations + " SET sequence = 6 WHERE sku = '" + sku + "' AND reservation_id = 'hold-1'");
        assertEquals(List.of("PROJECTION_DRIFT 4", "PROJECTION_DRIFT 7", "PROJECTION_DRIFT 6"), audited(sku), "as if the id had been used again");
        ForgedRows.tamper(ledger, "INSERT INTO " + reservations + " SELECT sku, reservation_id || n, false, location, channel, reference, quantity, 0, 0,"
                + " quantity, 0, 0, 0, expires_at, sequence, recorded_at FROM " + reservations + ", generate_series(1, 9) n"
                + " WHERE sku = '" + sku + "' AND reservation_id = 'hold-1'");
        assertTrue(audited(sku).contains("PROJECTION_DRIFT 7"), "more reservations than were ever made");
        assertEquals(4, audited(sku).size());
    }

    @Test
    void anEditedColumnOfWhatMayBeSoldIsFound() throws SQLException {
        ledger.applied(Mutations.receive("sellable", 7));
        reflectsWhatWasAnswered();
        ForgedRows.tamper(ledger, "UPDATE projection.stock_" + shownSet() + " SET available_to_sell = 70 WHERE sku = 'sellable'");
        assertEquals(List.of("PROJECTION_DRIFT 1"), audited("sellable"));
    }

    @Test
    void aReservationsIdThatWasUsedAgainAfterItsTimeIsNoFinding() {
        String sku = "used-again";
        try (RunningLedger forgetful = RunningLedger.start("stockledger.entity { ids-kept = 8, older-ids-kept = 0 }")) {
            forgetful.applied(Mutations.receive(sku, 7));
            for (int round = 0; round < 2; round++) {
                forgetful.applied(Mutations.reserve(sku, 1, Duration.ofMinutes(5)).setMutationId("order-7"));
                forgetful.applied(Mutations.release(sku, "order-7"));
                // More than the audit asks for at once.
                for (int i = 0; i < 1_100; i++) {
                    String hold = "hold-" + round + "-" + i;
                    forgetful.applied(Mutations.reserve(sku, 1, Duration.ofMinutes(5)).setMutationId(hold));
                    forgetful.applied(Mutations.release(sku, hold));
                }
                forgetful.clock.forward(Duration.ofDays(8));
            }
            assertEquals(1 + 2 * 2 * 1_101, forgetful.stock(sku).getSequence());
            await("the projection has all of it", () -> forgetful.count(
                    "SELECT count(*) FROM projection.reservations WHERE sku = ? AND NOT open", sku) == 2_201);
            forgetful.admin().audit(AuditRequest.newBuilder().addSkus(sku).build()).forEachRemaining(
                    answer -> assertFalse(answer.hasFinding(), answer::toString));
        }
    }

    private static String shownSet() throws SQLException {
        try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT name FROM projection.sets WHERE state = 'shown'")) {
            row.next();
            return row.getString(1);
        }
    }

    // ---- Its age ----

    @Test
    void itSaysSoWhereItStandsStill() throws Exception {
        try (RunningLedger own = RunningLedger.start("stockledger.projection.interval = 20 ms")) {
            own.applied(Mutations.receive("first", 1));
            await("it has come", () -> own.count("SELECT count(*) FROM projection.stock WHERE sku = 'first'") == 1);
            try (Connection holding = own.superuser(); Statement statement = holding.createStatement()) {
                holding.setAutoCommit(false);
                statement.execute("LOCK TABLE projection.sets IN ROW EXCLUSIVE MODE");
                statement.execute("SELECT * FROM projection.sets FOR UPDATE");
                long before = own.clock.millis();
                own.applied(Mutations.receive("second", 1));
                ListStockResponse page = own.calls().listStock(ListStockRequest.getDefaultInstance());
                assertEquals(List.of("first"), page.getStocksList().stream().map(ProjectedStock::getSku).toList());
                own.clock.forward(Duration.ofMinutes(5));
                ProjectionFreshness later = own.calls().listStock(ListStockRequest.getDefaultInstance()).getFreshness();
                assertTrue(later.getAge().getSeconds() >= 299, later::toString);
                assertTrue(EntryCodec.millis(later.getAsOfTime()) <= own.clock.millis() - 299_000, later::toString);
                assertTrue(EntryCodec.millis(later.getAsOfTime()) >= before - 1, "it has everything from before the second: " + later);
                holding.rollback();
            }
            await("it goes on", () -> own.count("SELECT count(*) FROM projection.stock WHERE sku = 'second'") == 1);
        }
    }

    @Test
    void turnedOffItSaysSoAndTurnedOnItGoesOnFromWhereItWas() throws Exception {
        Server.Store store = new Server.Store.Postgresql(io.stockledger.server.journal.TestPostgresql.emptyDatabase());
        try (RunningLedger on = RunningLedger.start(store, "")) {
            on.applied(Mutations.receive("kept", 1));
            await("it has come", () -> on.count("SELECT entries FROM projection.sets WHERE state = 'shown'") == 1);
        }
        try (RunningLedger off = RunningLedger.start(store, "stockledger.projection.enabled = false")) {
            off.applied(Mutations.receive("kept", 2));
            assertEquals("FAILED_PRECONDITION/PROJECTION_OFF", problem(() -> off.calls().listStock(ListStockRequest.getDefaultInstance())).name());
            assertEquals("FAILED_PRECONDITION/PROJECTION_OFF",
                    problem(() -> off.calls().listReservations(ListReservationsRequest.getDefaultInstance())).name());
            assertEquals("FAILED_PRECONDITION/PROJECTION_OFF",
                    problem(() -> off.admin().rebuildProjection(RebuildProjectionRequest.getDefaultInstance()).next()).name());
        }
        try (RunningLedger on = RunningLedger.start(store, "")) {
            await("what came meanwhile is in it", () -> on.calls().listStock(ListStockRequest.getDefaultInstance())
                    .getStocks(0).getBalance().getAvailable() == 3);
            assertEquals(2, on.count("SELECT entries FROM projection.sets WHERE state = 'shown'"));
            // A stop in the middle of the start's own wakings takes long.
            assertEquals(3, on.stock("kept").getOnHand());
        }
    }

    // ---- Rebuilds ----

    private static RebuildProjectionResponse rebuild() {
        Iterator<RebuildProjectionResponse> told = ledger.admin().rebuildProjection(RebuildProjectionRequest.getDefaultInstance());
        RebuildProjectionResponse last = told.next();
        while (told.hasNext()) {
            last = told.next();
        }
        assertTrue(last.getDone(), last::toString);
        return last;
    }

    @Test
    void aRebuildDuringWritesEqualsAReplayAndIsReadAllAlong() throws Exception {
        List<String> skus = List.of("rebuild-1", "rebuild-2", "rebuild-3");
        Random random = new Random(5);
        skus.forEach(sku -> ledger.applied(Mutations.receive(sku, 100)));
        reflectsWhatWasAnswered();
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Void> writes = CompletableFuture.runAsync(() -> {
            while (!done.get()) {
                mutate(random, skus.get(random.nextInt(3)), 1);
            }
        });
        CompletableFuture<Integer> reads = CompletableFuture.supplyAsync(() -> {
            long sequence = 0;
            int count = 0;
            while (!done.get()) {
                List<ProjectedStock> rows = list(ListStockRequest.newBuilder().setSkuPrefix("rebuild-"));
                assertEquals(3, rows.stream().map(ProjectedStock::getSku).distinct().count());
                long now = rows.stream().mapToLong(ProjectedStock::getSequence).max().orElseThrow();
                assertTrue(now >= sequence, "it went back");
                sequence = now;
                count++;
            }
            return count;
        });
        String before = shown();
        rebuild();
        String after = shown();
        rebuild();
        done.set(true);
        writes.join();
        assertTrue(reads.join() > 10);
        assertFalse(before.equals(after));
        assertEquals(before, shown());
        reflectsWhatWasAnswered();
        for (String sku : skus) {
            assertEqualsReplay(sku);
        }
    }

    private static String shown() throws SQLException {
        try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT name FROM projection.sets WHERE state = 'shown'")) {
            assertTrue(row.next());
            return row.getString(1);
        }
    }

    @Test
    void anEditedRowIsMadeRightByARebuild() throws Exception {
        ledger.applied(Mutations.receive("edited", 10));
        ledger.applied(Mutations.reserve("edited", 3, Duration.ofDays(2)).setMutationId("edited-hold"));
        reflectsWhatWasAnswered();
        try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement()) {
            assertEquals(1, statement.executeUpdate("UPDATE projection.stock_" + shown() + " SET available = 1000 WHERE sku = 'edited'"));
            assertEquals(1, statement.executeUpdate("DELETE FROM projection.reservations_" + shown() + " WHERE sku = 'edited'"));
        }
        assertEquals(1000, list(ListStockRequest.newBuilder().setSkuPrefix("edited")).get(0).getBalance().getAvailable());
        rebuild();
        assertEqualsReplay("edited");
    }

    @Test
    void aSecondRebuildAtOnceIsRefusedAndTheFirstGoesOnWithoutItsCaller() throws Exception {
        try (RunningLedger own = RunningLedger.start("stockledger.projection.interval = 20 ms")) {
            own.applied(Mutations.receive("a", 1));
            await("it has come", () -> own.count("SELECT count(*) FROM projection.stock") == 1);
            // A query that is still reading keeps the tables that are to be emptied.
            try (Connection reading = own.superuser(); Statement statement = reading.createStatement()) {
                statement.execute("INSERT INTO projection.stock_b SELECT * FROM projection.stock_a");
                reading.setAutoCommit(false);
                statement.executeQuery("SELECT * FROM projection.stock").close();
                Iterator<RebuildProjectionResponse> first = own.admin().rebuildProjection(RebuildProjectionRequest.getDefaultInstance());
                assertFalse(first.next().getDone());
                assertEquals("FAILED_PRECONDITION/REBUILD_UNDER_WAY",
                        problem(() -> own.admin().rebuildProjection(RebuildProjectionRequest.getDefaultInstance()).next()).name());
                own.restart();
                assertEquals(1, own.count("SELECT count(*) FROM projection.sets WHERE state = 'asked'"));
                reading.rollback();
            }
            await("it is built", () -> own.count("SELECT count(*) FROM projection.sets WHERE name = 'b' AND state = 'shown'") == 1);
            assertEquals(1, own.count("SELECT count(*) FROM projection.stock"));
        }
    }

    // ---- SQL ----

    @Test
    void aReaderReadsTheViewsAndNothingElse() throws Exception {
        ledger.applied(Mutations.receive("sql", 4));
        reflectsWhatWasAnswered();
        String role = "erp_" + ledger.database().url().replaceFirst(".*/", "");
        try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement()) {
            statement.execute("CREATE ROLE " + role + " LOGIN PASSWORD 'erp' IN ROLE stockledger_reader CONNECTION LIMIT 2");
        }
        try (Connection reader = DriverManager.getConnection(ledger.database().url(), role, "erp"); Statement statement = reader.createStatement()) {
            for (String view : List.of("stock", "reservations", "daily_movements", "freshness")) {
                statement.executeQuery("SELECT * FROM projection." + view).close();
            }
            try (ResultSet row = statement.executeQuery("SELECT s.available, f.up_to_date, f.age < interval '1 minute' FROM projection.stock s,"
                    + " projection.freshness f WHERE s.sku = 'sql'")) {
                assertTrue(row.next());
                assertEquals(4, row.getLong(1));
                assertTrue(row.getBoolean(3));
            }
            for (String refused : List.of("SELECT * FROM projection.stock_a", "SELECT * FROM projection.sets",
                    "SELECT * FROM stockledger.event_journal", "UPDATE projection.stock SET available = 0",
                    "DELETE FROM projection.reservations", "INSERT INTO projection.stock (sku) VALUES ('x')",
                    "UPDATE projection.stock_a SET available = 0", "TRUNCATE projection.stock_a", "DROP VIEW projection.stock",
                    "CREATE TABLE projection.mine (a int)", "CREATE TEMPORARY TABLE mine AS SELECT * FROM projection.stock")) {
                assertThrows(SQLException.class, () -> statement.execute(refused), refused);
            }
        } finally {
            try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement()) {
                statement.execute("DROP ROLE " + role);
            }
        }
        assertEquals(4, list(ListStockRequest.newBuilder().setSkuPrefix("sql")).get(0).getBalance().getAvailable());
    }
}
