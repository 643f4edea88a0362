package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.Position;
import java.util.ArrayList;
import java.util.List;

/**
 * The newest rows of the feed, in order, bounded by bytes and rows; shared by all subscribers, so
 * that the newest are read from the database once. Who falls behind its oldest row reads the journal.
 */
final class Ring {
    private final JournalRow[] rows;
    private final long bytesMax;
    /** Rows are numbered from the start of this process; a row's place is its number modulo the array's length. */
    private long oldest;
    private long next;
    private long bytes;
    /** The ring holds every row after this one. */
    private Position floor;
    private long completeTimeMs;

    Ring(int rowsMax, long bytesMax, Position start) {
        this.rows = new JournalRow[rowsMax];
        this.bytesMax = bytesMax;
        this.floor = start;
    }

    /** What a reader gets; {@code covered} is false where rows after its cursor are not here any more. */
    record Read(boolean covered, List<JournalRow> rows, boolean toTheEnd, long completeTimeMs) {
        private static final Read NOT_COVERED = new Read(false, List.of(), false, 0);
    }

    synchronized void append(List<JournalRow> newRows, long completeTimeMs) {
        for (JournalRow row : newRows) {
            if (next - oldest == rows.length) {
                dropOldest();
            }
            rows[(int) (next++ % rows.length)] = row;
            bytes += row.payload().length;
            while (bytes > bytesMax) {
                dropOldest();
            }
        }
        this.completeTimeMs = completeTimeMs;
    }

    /** Rows up to this position have been passed over: what was here is no longer what comes before the next. */
    synchronized void passed(Position position, long completeTimeMs) {
        if (position.isAfter(reached().position())) {
            while (oldest < next) {
                dropOldest();
            }
            floor = position;
        }
        this.completeTimeMs = completeTimeMs;
    }

    /** Where the feed stands: its newest row, and until when everything has been told with it. */
    synchronized Reached reached() {
        Position newest = next == oldest ? floor : rows[(int) ((next - 1) % rows.length)].position();
        return new Reached(newest, completeTimeMs);
    }

    synchronized boolean covers(Cursor cursor) {
        return cursor.taken() == Cursor.WHOLE_ROW ? !floor.isAfter(cursor.position()) : cursor.position().isAfter(floor);
    }

    /** Rows after the cursor (its own row first, if it was taken in part), until they have passed so many bytes. */
    synchronized Read readAfter(Cursor cursor, long bytesWanted) {
        if (!covers(cursor)) {
            return Read.NOT_COVERED;
        }
        List<JournalRow> found = new ArrayList<>();
        long at = firstAfter(cursor);
        for (long size = 0; at < next && size < bytesWanted; at++) {
            JournalRow row = rows[(int) (at % rows.length)];
            found.add(row);
            size += row.payload().length;
        }
        return new Read(true, found, at == next, completeTimeMs);
    }

    synchronized long completeTimeMs() {
        return completeTimeMs;
    }

    synchronized long bytes() {
        return bytes;
    }

    private long firstAfter(Cursor cursor) {
        boolean own = cursor.taken() != Cursor.WHOLE_ROW;
        long low = oldest;
        long high = next;
        while (low < high) {
            long middle = (low + high) >>> 1;
            int order = rows[(int) (middle % rows.length)].position().compareTo(cursor.position());
            if (order > 0 || own && order == 0) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private void dropOldest() {
        int place = (int) (oldest++ % rows.length);
        floor = rows[place].position();
        bytes -= rows[place].payload().length;
        rows[place] = null;
    }
}
