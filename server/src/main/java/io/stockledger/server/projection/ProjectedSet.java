package io.stockledger.server.projection;

import io.stockledger.server.feed.Reached;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Position;
import java.util.ArrayDeque;
import java.util.Deque;

/** One of the two sets of tables, as the thread that keeps it knows it: which, for what, and how far it has come. */
final class ProjectedSet {
    /** What a set is for, as the table {@code projection.sets} has it in small letters. */
    enum State { EMPTY, ASKED, BUILDING, SHOWN, OLD }

    /** Looks at the feed that may wait for the set to come by; beyond them its time is told less finely. */
    private static final int LOOKS_MAX = 10_000;

    private final String name;
    private final int feedEpoch;
    private final State state;
    private final long stateAgeMs;
    private Cursor cursor;
    private long completeMs;
    private long entries;
    /** Whether the rows before were small: see {@link io.stockledger.server.journal.JournalReader#feedAfter}. */
    private boolean smallRows = true;
    /** Where the feed stood at moments that the set has not come to yet. */
    private final Deque<Reached> looks = new ArrayDeque<>();

    ProjectedSet(String name, State state, long stateAgeMs, int feedEpoch, Cursor cursor, long completeMs, long entries) {
        this.name = name;
        this.state = state;
        this.stateAgeMs = stateAgeMs;
        this.feedEpoch = feedEpoch;
        this.cursor = cursor;
        this.completeMs = completeMs;
        this.entries = entries;
    }

    String name() {
        return name;
    }

    State state() {
        return state;
    }

    /** For how long it had been in this state when it was looked at. */
    long stateAgeMs() {
        return stateAgeMs;
    }

    int feedEpoch() {
        return feedEpoch;
    }

    Cursor cursor() {
        return cursor;
    }

    /** Everything committed before is in it; 0: not known yet. */
    long completeMs() {
        return completeMs;
    }

    long entries() {
        return entries;
    }

    boolean smallRows() {
        return smallRows;
    }

    void smallRows(boolean next) {
        smallRows = next;
    }

    /** After which row the feed is to be read on: one that was taken in part comes again. */
    Position readAfter() {
        return cursor.taken() == Cursor.WHOLE_ROW ? cursor.position()
                : new Position(cursor.position().tx(), cursor.position().ordering() - 1);
    }

    boolean isBehind(Position position) {
        return cursor.taken() != Cursor.WHOLE_ROW || position.isAfter(cursor.position());
    }

    /** The feed stands there now. */
    void look(Reached reached) {
        if (reached.completeTimeMs() == 0) {
            return;
        }
        if (!isBehind(reached.position())) {
            completeMs = Math.max(completeMs, reached.completeTimeMs());
        } else if (looks.size() < LOOKS_MAX && (looks.isEmpty() || reached.position().isAfter(looks.getLast().position()))) {
            looks.addLast(reached);
        }
    }

    /** When it stands at this cursor, everything committed before is in it. */
    long completeMsAt(Cursor at) {
        long complete = completeMs;
        for (Reached look : looks) {
            if (at.taken() != Cursor.WHOLE_ROW || look.position().isAfter(at.position())) {
                break;
            }
            complete = Math.max(complete, look.completeTimeMs());
        }
        return complete;
    }

    /** So many entries more are in the store's tables, up to this cursor. */
    void moved(Cursor to, long moreEntries) {
        completeMs = completeMsAt(to);
        cursor = to;
        entries += moreEntries;
        while (!looks.isEmpty() && !isBehind(looks.getFirst().position())) {
            looks.removeFirst();
        }
    }
}
