package io.stockledger.server.api;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bytes of answers that the callers of mutation streams have not taken, over the node. Each stream keeps what it may
 * send on in flight; a thousand streams of callers who do not read would fill the heap all the same. Beyond the bound
 * the stream that holds most is ended, so callers who read keep their place.
 */
final class UnreadAnswers {
    private final long max;
    private final Collection<MutationStream> streams;
    /** All of them: what streams hold, and what the transport has left of those that were ended here. */
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong leftBytes = new AtomicLong();

    /** @param streams that are open */
    UnreadAnswers(long max, Collection<MutationStream> streams) {
        this.max = max;
        this.streams = streams;
    }

    void add(long more) {
        bytes.addAndGet(more);
    }

    void remove(long fewer) {
        bytes.addAndGet(-fewer);
    }

    long bytes() {
        return bytes.get();
    }

    /**
     * Whether the transport may keep so much of a stream that is ended, for its caller to come to the reason behind it:
     * of all such streams half of the bound at most, so that those that are open have the other half.
     */
    boolean mayLeave(long more) {
        if (leftBytes.addAndGet(more) > max / 2) {
            leftBytes.addAndGet(-more);
            return false;
        }
        return true;
    }

    /** The transport has let go of that. */
    void removeLeft(long fewer) {
        leftBytes.addAndGet(-fewer);
        remove(fewer);
    }

    /** Not to be called with a stream's lock: another's is taken. */
    void keepWithinBound() {
        if (bytes.get() > max) {
            endStreams();
        }
    }

    private synchronized void endStreams() {
        while (bytes.get() > max) {
            Optional<MutationStream> most = streams.stream().max(Comparator.comparingLong(MutationStream::unreadBytes));
            if (most.isEmpty() || most.get().unreadBytes() == 0) {
                return;
            }
            most.get().endUnread();
        }
    }
}
