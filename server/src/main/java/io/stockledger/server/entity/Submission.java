package io.stockledger.server.entity;

import io.stockledger.server.domain.Mutation;
import java.util.List;

/**
 * Mutations of one SKU that came together, to be decided in order.
 *
 * @param lane mutations of one lane are decided in the order that they were submitted in; 0: on its own
 * @param deadlineNanos by {@link System#nanoTime}: not decided after that
 * @param replies told the outcome of each
 */
public record Submission(String sku, List<Mutation> mutations, long lane, long deadlineNanos, Replies replies)
        implements Gatherer.Message {

    /** No deadline. */
    public static final long NO_DEADLINE = Long.MAX_VALUE;

    /** Told outcomes, each once, on any thread and quickly. */
    public interface Replies {
        void outcome(int index, Outcome outcome);
    }

    boolean isOverdue(long nowNanos) {
        return deadlineNanos != NO_DEADLINE && deadlineNanos - nowNanos < 0;
    }
}
