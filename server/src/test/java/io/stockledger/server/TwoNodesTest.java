package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.Applied;
import io.stockledger.v1.Consumer;
import io.stockledger.v1.Count;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetSubscriptionRequest;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.NamedSubscription;
import io.stockledger.v1.Receive;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Reserve;
import io.stockledger.v1.Sell;
import io.stockledger.v1.SetChannelAllocation;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Two nodes on one PostgreSQL: any of them answers for any SKU, and one takes over from the other. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class TwoNodesTest {
    /** So many that sharding puts some on each node. */
    private static final int SKUS = 60;

    private static RunningLedger first;
    private static RunningLedger second;

    @BeforeAll
    static void start() throws IOException {
        Server.Store store = new Server.Store.Postgresql(TestPostgresql.emptyDatabase());
        int seed = freePort();
        first = RunningLedger.start(store, node(seed, seed));
        second = RunningLedger.start(store, node(freePort(), seed));
    }

    @AfterAll
    static void stop() {
        second.close();
    }

    private static String node(int port, int seed) {
        return "akka.remote.artery.canonical.port = " + port + "\n"
                + "akka.cluster.seed-nodes = [\"akka://stockledger@127.0.0.1:" + seed + "\"]\n"
                // SKUs move to a node that has just joined at once, not in minutes.
                + "akka.cluster.sharding.rebalance-interval = 1 s\n"
                // So that no subscriber gets anything by the poll that stands behind the hints.
                + "stockledger.journal.tail.poll-interval = 1 hour";
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    @Test
    @Order(1)
    void whatOneNodeWasToldTheOtherAnswersFor() {
        for (int i = 0; i < SKUS; i++) {
            String sku = "SKU|" + i;
            RunningLedger here = i % 2 == 0 ? first : second;
            RunningLedger there = i % 2 == 0 ? second : first;
            here.applied(Mutation.newBuilder().setSku(sku).setReceive(Receive.newBuilder().setQuantity(2)));
            Mutation.Builder sale = Mutation.newBuilder().setSku(sku).setMutationId("sale-" + i)
                    .setSell(Sell.newBuilder().setQuantity(1));
            Applied sold = here.applied(sale);
            Applied again = there.applied(sale);
            assertTrue(again.getReplayed());
            assertEquals(sold.getSequence(), again.getSequence());
            assertEquals(sold.getBalancesList(), again.getBalancesList());
            assertEquals(1, there.stock(sku).getOnHand());
            assertEquals(RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK, there.refused(Mutation.newBuilder()
                    .setSku(sku).setSell(Sell.newBuilder().setQuantity(2))).getReason());
            assertEquals(MutationState.MUTATION_STATE_APPLIED, there.mutation(sku, "sale-" + i).getState());
        }
    }

    @Test
    @Order(2)
    void everyOutcomeTravels() {
        for (int i = 0; i < SKUS; i++) {
            String sku = "kinds " + i;
            first.applied(Mutation.newBuilder().setSku(sku).setReceive(Receive.newBuilder().setQuantity(5)));
            first.applied(Mutation.newBuilder().setSku(sku).setChannel("web").setSetChannelAllocation(
                    SetChannelAllocation.newBuilder().setGuaranteed(1).setMaximum(3)));
            Applied held = second.applied(Mutation.newBuilder().setSku(sku).setChannel("web").setReserve(
                    Reserve.newBuilder().setQuantity(2).setTimeToLive(
                            com.google.protobuf.Duration.newBuilder().setSeconds(60))));
            assertTrue(held.hasExpiresAt());
            assertEquals(2, held.getBalances(0).getAllocations(0).getUsed());
            Applied counted = first.applied(Mutation.newBuilder().setSku(sku).setCount(
                    Count.newBuilder().setCounted(6).setAtSequence(1)));
            assertEquals(4, counted.getBalances(0).getAvailable());
        }
    }

    @Test
    @Order(2)
    void aWholeBatchOfLongTextsReachesASkuOnAnotherNodeAndSoDoAllBalancesOfOneWithManyLocations() {
        StreamCaller stream = new StreamCaller(first.callsWithoutWaiting());
        // Some of them are there.
        List<String> skus = IntStream.range(0, 8).mapToObj(i -> "long " + i + " x".repeat(50)).toList();
        for (String sku : skus) {
            stream.send(IntStream.range(0, 1_000).mapToObj(i -> Mutation.newBuilder().setSku(sku).setReference("r".repeat(128))
                    .setLocation("l".repeat(60) + i).setReceive(Receive.newBuilder().setQuantity(1))).toList());
        }
        assertTrue(stream.results(skus.size()).stream().allMatch(MutationResult::hasApplied));
        for (String sku : skus) {
            assertEquals(1_000, first.stock(sku).getBalancesCount());
            assertEquals(1_000, second.stock(sku).getBalancesCount());
        }
        stream.complete();
    }

    @Test
    @Order(3)
    void eachNodeHasTheWholeFeed() {
        for (ManagedChannel channel : List.of(first.channel(), second.channel())) {
            Map<String, List<Long>> sequences = new HashMap<>();
            Iterator<SubscribeResponse> feed = (channel == first.channel() ? first : second).feed()
                    .subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build());
            boolean caughtUp = false;
            while (!caughtUp) {
                SubscribeResponse message = feed.next();
                for (Entry entry : message.getEntriesList()) {
                    sequences.computeIfAbsent(entry.getSku(), sku -> new ArrayList<>()).add(entry.getSequence());
                }
                caughtUp = message.getCaughtUp();
            }
            for (int i = 0; i < SKUS; i++) {
                assertEquals(List.of(1L, 2L), sequences.get("SKU|" + i));
                assertEquals(List.of(1L, 2L, 3L, 4L), sequences.get("kinds " + i));
            }
        }
    }

    @Test
    @Order(4)
    void whatOneNodeCommitsReachesTheOthersSubscribersByAHint() throws Exception {
        Set<String> heard = ConcurrentHashMap.newKeySet();
        Context.CancellableContext call = Context.current().withCancellation();
        call.run(() -> FeedServiceGrpc.newStub(second.channel()).subscribe(
                SubscribeRequest.newBuilder().setFromNow(true).build(), new StreamObserver<>() {
                    @Override
                    public void onNext(SubscribeResponse message) {
                        if (message.getCaughtUp()) {
                            heard.add("caught up");
                        }
                        message.getEntriesList().forEach(entry -> heard.add(entry.getSku()));
                    }

                    @Override
                    public void onError(Throwable ended) {}

                    @Override
                    public void onCompleted() {}
                }));
        RunningLedger.await("the subscriber has caught up", () -> heard.contains("caught up"));
        // One at a time: a later one would bring those before it. Some SKUs are on each node.
        for (int i = 0; i < SKUS; i++) {
            String sku = "hint " + i;
            first.applied(Mutation.newBuilder().setSku(sku).setReceive(Receive.newBuilder().setQuantity(1)));
            RunningLedger.await("the entry of " + sku, () -> heard.contains(sku));
        }
        call.cancel(null);
    }

    @Test
    @Order(5)
    void consumersOnBothNodesShareANameAndFollowEachOther() {
        for (int i = 0; i < SKUS; i++) {
            first.applied(Mutation.newBuilder().setSku("both " + i).setReceive(Receive.newBuilder().setQuantity(1)));
        }
        NamedConsumer here = NamedConsumer.applying(first, "both", "here");
        RunningLedger.await("one has all", () -> !here.messages().isEmpty() && slots(second).equals(List.of(16)));
        NamedConsumer there = NamedConsumer.applying(second, "both", "there");
        RunningLedger.await("they share", () -> slots(first).equals(List.of(8, 8)));
        for (int i = 0; i < SKUS; i++) {
            second.applied(Mutation.newBuilder().setSku("both " + i).setReceive(Receive.newBuilder().setQuantity(1)));
        }
        RunningLedger.await("all is acknowledged", () -> subscription(first).getLagEntries() == 0);
        Map<String, List<Long>> told = new HashMap<>();
        Stream.of(here, there).flatMap(one -> one.entries().stream()).filter(entry -> entry.getSku().startsWith("both "))
                .forEach(entry -> told.computeIfAbsent(entry.getSku(), sku -> new ArrayList<>()).add(entry.getSequence()));
        told.forEach((sku, sequences) -> assertEquals(List.of(1L, 2L), sequences, sku));
        assertEquals(SKUS, told.size());

        // What one node told its consumer the other can't acknowledge; and a consumer that comes back at another node
        // takes its own place.
        assertEquals("FAILED_PRECONDITION/SUBSCRIPTION_MOVED", RunningLedger.problem(() ->
                second.feed().acknowledgeCursor(here.acknowledgement(here.last()).build())).name());
        NamedConsumer moved = NamedConsumer.applying(second, "both", "here");
        RunningLedger.await("its old stream has ended", () -> here.end().isPresent());
        assertEquals("FAILED_PRECONDITION/CONSUMER_TAKEN_OVER", here.end().get().name());
        RunningLedger.await("they share again", () -> slots(first).equals(List.of(8, 8)));
        there.close();
        RunningLedger.await("the other has all", () -> slots(first).equals(List.of(16)));
        moved.close();
    }

    private static NamedSubscription subscription(RunningLedger node) {
        return node.feed().getSubscription(GetSubscriptionRequest.newBuilder().setName("both").build()).getSubscription();
    }

    private static List<Integer> slots(RunningLedger node) {
        return subscription(node).getConsumersList().stream().map(Consumer::getSlots).toList();
    }

    @Test
    @Order(6)
    void theNodeThatStaysTakesOverFromOneThatLeaves() {
        first.close();
        for (int i = 0; i < SKUS; i++) {
            assertEquals(1, second.stock("SKU|" + i).getOnHand());
            assertEquals(3, second.applied(Mutation.newBuilder().setSku("SKU|" + i)
                    .setSell(Sell.newBuilder().setQuantity(1))).getSequence());
        }
    }
}
