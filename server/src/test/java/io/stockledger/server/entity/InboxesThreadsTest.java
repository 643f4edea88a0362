package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import akka.cluster.sharding.typed.ShardingEnvelope;
import io.stockledger.server.Interleavings;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The two ways to a SKU, past sharding and through it, while its gatherer comes, takes and goes. */
class InboxesThreadsTest {
    private static final String SKU = "A";

    private record Told(String by, int number) implements Gatherer.Message {}

    /** A SKU whose messages are taken when the test says so. */
    private static final class Sku {
        final QueueOnly<ShardingEnvelope<Gatherer.Message>> sharding = new QueueOnly<>();
        final QueueOnly<Gatherer.Message> gatherer = new QueueOnly<>();
        final Inboxes inboxes = new Inboxes(sharding);
        final List<Told> taken = new ArrayList<>();
        Inbox inbox;

        Runnable caller(String by, int messages) {
            return () -> {
                for (int i = 1; i <= messages; i++) {
                    inboxes.send(SKU, new Told(by, i));
                }
            };
        }

        void starts() {
            inbox = inboxes.join(SKU, gatherer);
        }

        /** One message, told past sharding or brought by it. */
        boolean takes() {
            Gatherer.Message message = gatherer.told.poll();
            if (message == null) {
                ShardingEnvelope<Gatherer.Message> brought = sharding.told.poll();
                message = brought == null ? null : brought.message();
            }
            if (message instanceof Told told) {
                taken.add(told);
            } else if (message instanceof Inbox.Joined joined) {
                inbox.open(joined);
                takeInbox();
            } else if (message instanceof Inbox.Arrived) {
                takeInbox();
            }
            return message != null;
        }

        private void takeInbox() {
            inbox.take().forEach(message -> taken.add((Told) message));
        }

        void takesAll() {
            while (takes()) {
                // Until nothing is left.
            }
        }

        void assertInOrderAndOnce(String by, int messages) {
            List<Integer> numbers = taken.stream().filter(told -> told.by().equals(by)).map(Told::number).toList();
            assertEquals(messages == 2 ? List.of(1, 2) : List.of(1), numbers, () -> "of " + by + ": " + taken);
        }
    }

    @Test
    void whatCallersSendWhileAGathererStartsComesOnceAndInOrder() {
        Interleavings.ofLarge(() -> {
            Sku sku = new Sku();
            Interleavings.together(sku.caller("one", 2), sku.caller("other", 1), () -> {
                sku.starts();
                sku.takes();
                sku.takes();
            });
            sku.takesAll();
            sku.assertInOrderAndOnce("one", 2);
            sku.assertInOrderAndOnce("other", 1);
        });
    }

    @Test
    void whatCallersSendWhileAGathererStopsComesToItsSuccessorOnceAndInOrder() {
        Interleavings.ofLarge(() -> {
            Sku sku = new Sku();
            sku.starts();
            sku.takesAll();
            Interleavings.together(sku.caller("one", 2), sku.caller("other", 1), () -> {
                sku.takes();
                sku.inboxes.leave(SKU, sku.inbox);
            });
            sku.starts();
            sku.takesAll();
            sku.assertInOrderAndOnce("one", 2);
            sku.assertInOrderAndOnce("other", 1);
        });
    }
}
