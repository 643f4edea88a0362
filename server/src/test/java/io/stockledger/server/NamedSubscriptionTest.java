package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import io.grpc.Context;
import io.stockledger.client.Mutations;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.v1.Consumer;
import io.stockledger.v1.DeleteSubscriptionRequest;
import io.stockledger.v1.DropParkedEntryRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.GetSubscriptionRequest;
import io.stockledger.v1.ListParkedEntriesRequest;
import io.stockledger.v1.ListSubscriptionsRequest;
import io.stockledger.v1.NamedSubscription;
import io.stockledger.v1.ParkEntryRequest;
import io.stockledger.v1.ParkedEntry;
import io.stockledger.v1.RetryParkedEntryRequest;
import io.stockledger.v1.RewindSubscriptionRequest;
import io.stockledger.v1.RewindSubscriptionResponse;
import io.stockledger.v1.Share;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Subscriptions that the ledger remembers: their consumers share the SKUs, follow each other, and skip nothing. */
class NamedSubscriptionTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.subscriptions { look-interval = 50 ms, write-interval = 20 ms, slots = 8, names-max = 30, parked-max = 3 }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static void receive(String prefix, int skus) {
        for (int i = 0; i < skus; i++) {
            ledger.applied(Mutations.receive(prefix + i, 1));
        }
    }

    private static NamedSubscription subscription(String name) {
        return ledger.feed().getSubscription(GetSubscriptionRequest.newBuilder().setName(name).build()).getSubscription();
    }

    private static List<Integer> slots(String name) {
        return subscription(name).getConsumersList().stream().map(Consumer::getSlots).sorted().toList();
    }

    private static SubscribeRequest.Builder filtered(String name, String prefix) {
        return NamedConsumer.request(name, "").setFilter(FeedFilter.newBuilder().setSkuPrefix(prefix));
    }

    /** Makes a name for the SKUs of a prefix. */
    private static void make(String name, String prefix) {
        make(filtered(name, prefix).build());
    }

    private static void make(SubscribeRequest request) {
        try (Context.CancellableContext call = Context.current().withCancellation()) {
            call.run(() -> ledger.feed().subscribe(request).next());
        }
    }

    private static long count(NamedConsumer consumer, String prefix) {
        return consumer.entries().stream().filter(entry -> entry.getSku().startsWith(prefix)).count();
    }

    @Test
    void threeConsumersShareTheSkusAndFollowOneThatDies() {
        receive("share ", 40);
        List<NamedConsumer> consumers = new ArrayList<>();
        for (String consumer : List.of("one", "two", "three")) {
            consumers.add(NamedConsumer.applying(ledger, "shared", consumer));
        }
        await("all are open", () -> consumers.stream().noneMatch(consumer -> consumer.messages().isEmpty()));
        await("each has its part", () -> slots("shared").equals(List.of(2, 3, 3)));
        receive("share ", 40);
        consumers.get(1).close();
        receive("share ", 40);
        await("the others have its part", () -> slots("shared").equals(List.of(4, 4)));
        receive("share ", 40);
        await("all is acknowledged", () -> subscription("shared").getLagEntries() == 0);

        Map<String, List<Long>> first = new HashMap<>();
        Stream.of(1, 0, 2).flatMap(i -> consumers.get(i).entries().stream()).filter(entry -> entry.getSku().startsWith("share ")).forEach(entry -> {
            List<Long> seen = first.computeIfAbsent(entry.getSku(), sku -> new ArrayList<>());
            if (!seen.contains(entry.getSequence())) {
                seen.add(entry.getSequence());
            }
        });
        assertEquals(40, first.size());
        first.forEach((sku, sequences) -> assertEquals(List.of(1L, 2L, 3L, 4L), sequences.stream().sorted().toList(), sku));
        for (NamedConsumer consumer : consumers) {
            Map<String, Long> last = new HashMap<>();
            for (Entry entry : consumer.entries()) {
                long before = last.getOrDefault(entry.getSku(), 0L);
                assertTrue(entry.getSequence() > before, () -> entry.getSku() + " " + before + " then " + entry.getSequence());
                last.put(entry.getSku(), entry.getSequence());
            }
            consumer.close();
        }
    }

    @Test
    void aSlotMovesOnlyOnceWhatWasSentOfItIsAcknowledged() {
        receive("moves ", 30);
        NamedConsumer first = NamedConsumer.waiting(ledger, "moves", "first");
        await("all is sent", () -> count(first, "moves ") == 30);
        NamedConsumer second = NamedConsumer.applying(ledger, "moves", "second");
        await("the second is there", () -> subscription("moves").getConsumersCount() == 2 && !second.messages().isEmpty());
        receive("moves ", 30);
        await("the first goes on with what it keeps", () -> count(first, "moves ") > 30);
        assertEquals(List.of(0, 8), slots("moves"));
        assertEquals(0, second.entries().size());

        first.acknowledgeAll();
        await("they share", () -> slots("moves").equals(List.of(4, 4)));
        await("each entry is sent once", () -> count(first, "moves ") + count(second, "moves ") == 60);
        first.acknowledgeAll();
        second.acknowledgeAll();
        Map<String, Long> sequences = new HashMap<>();
        Stream.concat(first.entries().stream(), second.entries().stream()).filter(entry -> entry.getSku().startsWith("moves "))
                .forEach(entry -> assertEquals(sequences.merge(entry.getSku(), 1L, Long::sum), entry.getSequence()));
        first.close();
        second.close();
    }

    @Test
    void whatADeadConsumerHadNotAcknowledgedComesToTheNext() {
        make("dead", "dead ");
        NamedConsumer first = NamedConsumer.waiting(ledger, "dead", "first");
        receive("dead ", 5);
        await("told", () -> first.entries().size() == 5);
        first.acknowledge(first.full().get(0));
        long kept = first.full().get(0).getEntriesCount();
        first.close();
        NamedConsumer second = NamedConsumer.applying(ledger, "dead", "second");
        await("the rest comes", () -> second.entries().size() == 5 - kept && subscription("dead").getLagEntries() == 0);
        second.close();
    }

    @Test
    void consumersCanNotAcknowledgeForEachOther() {
        receive("other ", 20);
        NamedConsumer one = NamedConsumer.waiting(ledger, "other", "one");
        NamedConsumer two = NamedConsumer.waiting(ledger, "other", "two");
        await("both are told something", () -> !one.messages().isEmpty() && !two.messages().isEmpty());
        for (NamedConsumer[] pair : new NamedConsumer[][] {{one, two}, {two, one}}) {
            assertEquals("FAILED_PRECONDITION/SUBSCRIPTION_MOVED", problem(() -> ledger.feed().acknowledgeCursor(
                    pair[0].acknowledgement(pair[1].last()).build())).name());
        }
        assertEquals("FAILED_PRECONDITION/SUBSCRIPTION_MOVED", problem(() -> ledger.feed().acknowledgeCursor(
                one.acknowledgement(one.last()).setName("shared").build())).name());
        one.close();
        two.close();
    }

    @Test
    void anAcknowledgementGoesBackOnlyWhereThatIsMeant() {
        make("back", "back ");
        NamedConsumer consumer = NamedConsumer.waiting(ledger, "back", "");
        receive("back ", 1);
        await("the first", () -> consumer.entries().size() == 1);
        SubscribeResponse first = consumer.last();
        receive("back ", 2);
        await("the others", () -> consumer.entries().size() == 3);
        consumer.acknowledgeAll();
        assertEquals("FAILED_PRECONDITION/ACKNOWLEDGEMENT_BEHIND",
                problem(() -> ledger.feed().acknowledgeCursor(consumer.acknowledgement(first).build())).name());
        assertEquals(3, consumer.entries().size());
        ledger.feed().acknowledgeCursor(consumer.acknowledgement(first).setAllowRewind(true).build());
        await("they come again", () -> consumer.entries().size() == 5);
        assertEquals(List.of(2L, 1L), consumer.entries().subList(3, 5).stream().map(Entry::getSequence).toList());
        await("and are not acknowledged", () -> subscription("back").getLagEntries() == 2);
        consumer.close();
    }

    @Test
    void aConsumerThatComesBackTakesItsOwnPlace() {
        receive("again ", 3);
        NamedConsumer before = NamedConsumer.waiting(ledger, "again", "me");
        await("told", () -> count(before, "again ") == 3);
        SubscribeResponse unacknowledged = before.last();
        NamedConsumer after = NamedConsumer.waiting(ledger, "again", "me");
        await("told again", () -> count(after, "again ") == 3);
        assertEquals("FAILED_PRECONDITION/CONSUMER_TAKEN_OVER", before.end().orElseThrow().name());
        assertEquals("FAILED_PRECONDITION/SUBSCRIPTION_MOVED", problem(() -> ledger.feed().acknowledgeCursor(
                after.acknowledgement(unacknowledged).build())).name());
        assertEquals(1, subscription("again").getConsumersCount());
        after.close();
    }

    @Test
    void aStreamWhoseSlotHasAnotherOwnerEndsAndAcknowledgesNoMore() throws Exception {
        receive("stolen ", 10);
        NamedConsumer consumer = NamedConsumer.waiting(ledger, "stolen", "");
        await("told", () -> count(consumer, "stolen ") == 10);
        try (Connection store = ledger.superuser(); Statement statement = store.createStatement()) {
            statement.execute("UPDATE subscription_slot SET generation = generation + 1, stream = '" + UUID.randomUUID()
                    + "', lease_until = now() + interval '1 hour' WHERE name = 'stolen' AND slot = 3");
        }
        await("it has ended", () -> consumer.end().isPresent());
        assertEquals("ABORTED/SUBSCRIPTION_MOVED", consumer.end().get().name());
        assertEquals("FAILED_PRECONDITION/SUBSCRIPTION_MOVED",
                problem(() -> ledger.feed().acknowledgeCursor(consumer.acknowledgement(consumer.last()).build())).name());
    }

    @Test
    void deletingANameEndsItsStreams() {
        NamedConsumer consumer = NamedConsumer.applying(ledger, "deleted", "");
        await("open", () -> !consumer.messages().isEmpty());
        ledger.feed().deleteSubscription(DeleteSubscriptionRequest.newBuilder().setName("deleted").build());
        await("it has ended", () -> consumer.end().isPresent());
        assertEquals("NOT_FOUND/SUBSCRIPTION_NOT_FOUND", consumer.end().get().name());
        assertEquals("NOT_FOUND/SUBSCRIPTION_NOT_FOUND", problem(() -> subscription("deleted")).name());
    }

    @Test
    void aNameGoesOnFromATimeOrTheBeginning() {
        make("rewound", "rewound ");
        receive("rewound ", 2);
        ledger.clock.forward(Duration.ofMinutes(10));
        Timestamp between = ledger.now();
        receive("rewound ", 2);
        NamedConsumer first = NamedConsumer.applying(ledger, "rewound", "me");
        await("all", () -> first.entries().size() == 4 && subscription("rewound").getLagEntries() == 0);

        assertFalse(ledger.feed().rewindSubscription(RewindSubscriptionRequest.newBuilder().setName("rewound").setTime(between).build())
                .getBeginning());
        await("the stream ends", () -> first.end().isPresent());
        assertEquals("ABORTED/SUBSCRIPTION_REWOUND", first.end().get().name());
        assertEquals(2, subscription("rewound").getLagEntries());
        NamedConsumer second = NamedConsumer.applying(ledger, "rewound", "me");
        await("what was recorded since", () -> second.entries().size() == 2);
        assertTrue(second.entries().stream().allMatch(entry -> entry.getSequence() == 2));
        assertEquals(first.last().getRewinds() + 1, second.last().getRewinds());

        // Before the beginning is the beginning.
        RewindSubscriptionResponse start = ledger.feed().rewindSubscription(RewindSubscriptionRequest.newBuilder().setName("rewound")
                .setTime(Timestamps.fromMillis(1_000)).build());
        assertTrue(start.getBeginning());
        assertEquals(start.getCursor(), ledger.feed().rewindSubscription(RewindSubscriptionRequest.newBuilder().setName("rewound")
                .setBeginning(true).build()).getCursor());
        NamedConsumer third = NamedConsumer.applying(ledger, "rewound", "me");
        await("everything", () -> third.entries().size() == 4);
        ByteString whole = third.last().getCursor();
        ledger.feed().rewindSubscription(RewindSubscriptionRequest.newBuilder().setName("rewound").setCursor(whole).build());
        assertEquals(0, subscription("rewound").getLagEntries());
    }

    @Test
    void afterARestoreANameGoesOnWhereItIsRewoundTo() throws Exception {
        try (RunningLedger own = RunningLedger.start("")) {
            own.applied(Mutations.receive("restored", 1));
            try (NamedConsumer before = NamedConsumer.applying(own, "erp", "")) {
                await("it follows", () -> before.entries().size() == 1);
            }
            try (Connection store = own.superuser(); Statement statement = store.createStatement()) {
                statement.execute("UPDATE stockledger.ledger_identity SET feed_epoch = feed_epoch + 1");
            }
            own.restart();
            own.applied(Mutations.receive("restored", 2));
            try (NamedConsumer expired = NamedConsumer.applying(own, "erp", "")) {
                await("it is told", () -> expired.end().isPresent());
                assertEquals("OUT_OF_RANGE/CURSOR_EXPIRED", expired.end().orElseThrow().name());
            }
            own.feed().rewindSubscription(RewindSubscriptionRequest.newBuilder().setName("erp").setBeginning(true).build());
            try (NamedConsumer after = NamedConsumer.applying(own, "erp", "")) {
                await("it goes on", () -> after.entries().size() == 2);
            }
        }
    }

    @Test
    void aParkedEntryHoldsNothingBackAndIsSentOnceMoreWhenAskedFor() {
        make("parked", "parked ");
        NamedConsumer consumer = NamedConsumer.applying(ledger, "parked", "me");
        receive("parked ", 3);
        await("told", () -> consumer.entries().size() == 3);
        for (int i = 0; i < 3; i++) {
            park("parked " + i, "no article " + i);
        }
        assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_PARKED", problem(() -> {
            ledger.applied(Mutations.receive("parked 0", 1));
            return ledger.feed().parkEntry(parking("parked 0", "one too many").setSequence(2).build());
        }).name());
        park("parked 1", "still no article");
        List<ParkedEntry> listed = parked();
        assertEquals(List.of("parked 0: no article 0 (1)", "parked 1: still no article (2)", "parked 2: no article 2 (1)"),
                listed.stream().map(entry -> entry.getSku() + ": " + entry.getReason() + " (" + entry.getTimes() + ")").toList());
        assertEquals(3, subscription("parked").getParkedEntries());

        retry("parked 1");
        await("it is sent once more", () -> consumer.retried().size() == 1);
        assertEquals("parked 1", consumer.retried().get(0).getSku());
        await("and parked no more", () -> parked().size() == 2);
        ledger.feed().dropParkedEntry(DropParkedEntryRequest.newBuilder().setName("parked").setSku("parked 0").setSequence(1).build());
        assertEquals(1, parked().size());
        assertEquals("NOT_FOUND/PARKED_ENTRY_NOT_FOUND", problem(() -> ledger.feed().retryParkedEntry(
                RetryParkedEntryRequest.newBuilder().setName("parked").setSku("parked 0").setSequence(1).build())).name());
        consumer.close();

        // One that is not acknowledged stays, and one that is parked anew too.
        NamedConsumer second = NamedConsumer.waiting(ledger, "parked", "me");
        retry("parked 2");
        await("sent", () -> second.retried().size() == 1);
        assertTrue(parked().get(0).getRetrying());
        park("parked 2", "again");
        second.acknowledgeAll();
        await("nothing is left to send", () -> subscription("parked").getLagEntries() == 0);
        assertEquals(2, parked().get(0).getTimes());
        assertFalse(parked().get(0).getRetrying());
        second.close();
    }

    @Test
    void anEntryThatTheFilterDoesNotAskForIsNotParked() {
        make(NamedConsumer.request("choosy", "").setFilter(FeedFilter.newBuilder().setSkuPrefix("choosy ")
                .addLocations("shop").addChannels("web").addKinds(EntryKind.ENTRY_KIND_RECEIVE)).build());
        ledger.applied(Mutations.receive("other than choosy", 1).setLocation("shop").setChannel("web"));
        ledger.applied(Mutations.receive("choosy 1", 1).setLocation("main").setChannel("web"));
        ledger.applied(Mutations.receive("choosy 1", 1).setLocation("shop").setChannel("pos"));
        ledger.applied(Mutations.receive("choosy 1", 1).setLocation("shop").setChannel("web"));
        ledger.applied(Mutations.sell("choosy 1", 1).setLocation("shop").setChannel("web"));
        assertNotSelected("other than choosy", 1, "sku", "sku");
        assertNotSelected("choosy 1", 1, "sequence", "location");
        assertNotSelected("choosy 1", 2, "sequence", "channel");
        assertNotSelected("choosy 1", 4, "sequence", "kind");
        ledger.feed().parkEntry(choosy("choosy 1", 3));
        assertEquals(1, subscription("choosy").getParkedEntries());
    }

    private static ParkEntryRequest choosy(String sku, long sequence) {
        return ParkEntryRequest.newBuilder().setName("choosy").setSku(sku).setSequence(sequence).setReason("no article").build();
    }

    private static void assertNotSelected(String sku, long sequence, String field, String part) {
        Problem problem = problem(() -> ledger.feed().parkEntry(choosy(sku, sequence)));
        assertEquals("INVALID_ARGUMENT/ENTRY_NOT_SELECTED", problem.name());
        assertEquals(field + ": the subscription's filter does not ask for this entry, by its " + part, problem.message());
    }

    @Test
    void aNameHasACharacterThatIsNoSpaceAndKeepsSpacesAtItsEnds() {
        for (String blank : List.of(" ", "  ", "\u00a0\u2003")) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", problem(() -> ledger.feed().subscribe(filtered(blank, "none").build()).next()).name());
        }
        make(" spaced ", "none");
        assertEquals(" spaced ", subscription(" spaced ").getName());
        assertEquals("NOT_FOUND/SUBSCRIPTION_NOT_FOUND", problem(() -> subscription("spaced")).name());
    }

    @Test
    void parkedEntriesThatCanNotBeReadStayAndHoldNoOtherBack() throws Exception {
        make("unreadable", "unreadable ");
        receive("unreadable ", 1);
        try (Connection store = ledger.superuser(); Statement statement = store.createStatement()) {
            statement.execute("INSERT INTO parked_entry (name, sku, sequence, reason, consumer, retry)"
                    + " SELECT 'unreadable', 'no such article ' || i, 1, 'test', '', TRUE FROM generate_series(1, 25) i"
                    + " UNION ALL VALUES ('unreadable', 'unreadable 0', 1, 'test', '', TRUE)");
        }
        NamedConsumer consumer = NamedConsumer.applying(ledger, "unreadable", "");
        await("the other is sent once more", () -> consumer.retried().size() == 1);
        await("and parked no more", () -> subscription("unreadable").getParkedEntries() == 25);
        await("none is tried again", () -> ledger.feed().listParkedEntries(ListParkedEntriesRequest.newBuilder().setName("unreadable").build())
                .getEntriesList().stream().noneMatch(ParkedEntry::getRetrying));
        consumer.close();
    }

    @Test
    void aNameThatIsMadeAnewIsNotTakenForTheOneBefore() {
        make("anew", "anew ");
        NamedConsumer before = NamedConsumer.applying(ledger, "anew", "me");
        await("open", () -> !before.messages().isEmpty());
        ledger.feed().deleteSubscription(DeleteSubscriptionRequest.newBuilder().setName("anew").build());
        make("anew", "anew ");
        NamedConsumer after = NamedConsumer.applying(ledger, "anew", "me");
        await("open again", () -> !after.messages().isEmpty());
        assertTrue(after.last().getRewinds() > before.last().getRewinds());
        assertEquals(0, subscription("anew").getRewinds());
        after.close();
    }

    private static ParkEntryRequest.Builder parking(String sku, String reason) {
        return ParkEntryRequest.newBuilder().setName("parked").setSku(sku).setSequence(1).setReason(reason).setConsumer("me");
    }

    private static void park(String sku, String reason) {
        ledger.feed().parkEntry(parking(sku, reason).build());
    }

    private static void retry(String sku) {
        ledger.feed().retryParkedEntry(RetryParkedEntryRequest.newBuilder().setName("parked").setSku(sku).setSequence(1).build());
    }

    private static List<ParkedEntry> parked() {
        return ledger.feed().listParkedEntries(ListParkedEntriesRequest.newBuilder().setName("parked").build()).getEntriesList();
    }

    @Test
    void theFilterIsThatOfTheFirstRequest() {
        make("filtered", "filtered ");
        assertEquals("FAILED_PRECONDITION/SUBSCRIPTION_FILTER_DIFFERS",
                problem(() -> ledger.feed().subscribe(filtered("filtered", "other").build()).next()).name());
        receive("filtered ", 1);
        NamedConsumer none = NamedConsumer.applying(ledger, "filtered", "");
        await("none given is the name's own", () -> none.entries().size() == 1);
        none.close();
    }

    @Test
    void namesAndConsumersAreBounded() {
        try (RunningLedger small = RunningLedger.start("stockledger.subscriptions { slots = 2, names-max = 2 }")) {
            for (String consumer : List.of("one", "two")) {
                small.feed().subscribe(NamedConsumer.request("full", consumer).build()).next();
                NamedConsumer.applying(small, "full", consumer);
            }
            await("both", () -> small.feed().getSubscription(GetSubscriptionRequest.newBuilder().setName("full").build())
                    .getSubscription().getConsumersCount() == 2);
            assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_CONSUMERS",
                    problem(() -> small.feed().subscribe(NamedConsumer.request("full", "three").build()).next()).name());
            small.feed().subscribe(NamedConsumer.request("second", "").build()).next();
            assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_NAMES",
                    problem(() -> small.feed().subscribe(NamedConsumer.request("third", "").build()).next()).name());
            String token = small.feed().listSubscriptions(ListSubscriptionsRequest.newBuilder().setPageSize(1).build()).getNextPageToken();
            assertEquals("second", small.feed().listSubscriptions(ListSubscriptionsRequest.newBuilder().setPageSize(1)
                    .setPageToken(token).build()).getSubscriptions(0).getName());

            // A restart keeps the cursor: only what was not acknowledged comes.
            small.applied(Mutations.receive("kept", 1));
            await("acknowledged", () -> small.feed().getSubscription(GetSubscriptionRequest.newBuilder().setName("full").build())
                    .getSubscription().getLagEntries() == 0);
            small.restart();
            small.applied(Mutations.receive("kept", 1));
            NamedConsumer after = NamedConsumer.applying(small, "full", "one");
            await("the next", () -> after.entries().size() == 1);
            assertEquals(2, after.entries().get(0).getSequence());
        }
    }

    @Test
    void badInputIsTold() {
        make("here", "here ");
        Map<String, String> told = new HashMap<>();
        told.put("300 characters", subscribing(NamedConsumer.request("n".repeat(300), "")));
        told.put("control character", subscribing(NamedConsumer.request("a\nb", "")));
        told.put("consumer", subscribing(NamedConsumer.request("here", "c".repeat(65))));
        told.put("cursor", subscribing(NamedConsumer.request("here", "").setAfterCursor(ByteString.copyFromUtf8("x"))));
        told.put("share", subscribing(NamedConsumer.request("here", "").setShare(Share.newBuilder().setCount(2))));
        told.put("stock", subscribing(NamedConsumer.request("here", "").setInitialStock(true)));
        told.put("future", rewinding(RewindSubscriptionRequest.newBuilder().setTime(ledger.at(Duration.ofMinutes(1)))));
        told.put("nowhere", rewinding(RewindSubscriptionRequest.newBuilder()));
        told.put("no cursor", rewinding(RewindSubscriptionRequest.newBuilder().setCursor(ByteString.copyFromUtf8("x"))));
        told.put("no name", problem(() -> ledger.feed().getSubscription(GetSubscriptionRequest.getDefaultInstance())).message());
        told.put("noise", problem(() -> ledger.feed().acknowledgeCursor(io.stockledger.v1.AcknowledgeCursorRequest.newBuilder()
                .setName("here").setAcknowledgement(ByteString.copyFromUtf8("noise")).build())).name());
        told.put("token", problem(() -> ledger.feed().listSubscriptions(
                ListSubscriptionsRequest.newBuilder().setPageToken("x").build())).message());
        told.put("reason", problem(() -> ledger.feed().parkEntry(parking("parked 0", "r".repeat(1_001)).build())).message());
        told.put("no entry", problem(() -> ledger.feed().parkEntry(parking("nowhere", "r").setName("here").build())).name());
        told.put("unknown", problem(() -> ledger.feed().deleteSubscription(DeleteSubscriptionRequest.newBuilder().setName("unknown").build())).name());
        Map<String, String> expected = new HashMap<>();
        expected.put("300 characters", "name: has 300 characters; at most 128");
        expected.put("control character", "name: holds a control character, U+000A");
        expected.put("consumer", "consumer: has 65 characters; at most 64");
        expected.put("cursor", "after_cursor: not with a name, whose cursor the ledger keeps; see RewindSubscription");
        expected.put("share", "share: not with a name, whose consumers share its SKUs from where its cursor stands");
        expected.put("stock", "initial_stock: not with a name, whose consumers share its SKUs from where its cursor stands");
        expected.put("future", "time: is in the future, by the ledger's clock");
        expected.put("nowhere", "target: is required: a cursor, a time, or the beginning");
        expected.put("no cursor", "cursor is not a cursor of this ledger");
        expected.put("no name", "name: is required");
        expected.put("noise", "INVALID_ARGUMENT/INVALID_ACKNOWLEDGEMENT");
        expected.put("token", "page_token: is not one that this request was given");
        expected.put("reason", "reason: has 1001 characters; at most 1000");
        expected.put("no entry", "NOT_FOUND/ENTRY_NOT_FOUND");
        expected.put("unknown", "NOT_FOUND/SUBSCRIPTION_NOT_FOUND");
        assertEquals(expected, told);
    }

    private static String subscribing(SubscribeRequest.Builder request) {
        return problem(() -> ledger.feed().subscribe(request.build()).next()).message();
    }

    private static String rewinding(RewindSubscriptionRequest.Builder request) {
        return problem(() -> ledger.feed().rewindSubscription(request.setName("here").build())).message();
    }
}
