package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.Position;
import java.sql.SQLException;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One subscriber's way through the feed: start, maybe initial stock, catching up from the journal,
 * live from the ring. It goes in steps of about a message on the feed's threads, one step at a time,
 * and takes none while the sink is not ready: nothing is read ahead, so nothing is held for a slow
 * reader.
 */
public final class Subscription {
    private static final Logger LOG = LoggerFactory.getLogger(Subscription.class);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private enum Phase { STARTING, STOCK, CATCHING_UP, LIVE, ENDED }

    /** What a step leaves: more to do now, or nothing until someone wakes it. */
    private enum Then { AGAIN, WAIT }

    private final Feed feed;
    private final FeedRequest request;
    private final FeedSink sink;
    private final Selection selection;
    private final long heartbeatNanos;
    private final PublishedHeads heads;
    private final Turns turns = new Turns();

    // Changed by the step under way only; read by the tick and the tail.
    private volatile Phase phase = Phase.STARTING;
    private volatile boolean caughtUp;
    private volatile long lastSentNanos = System.nanoTime();
    private volatile long retryAtNanos;
    private volatile boolean retrying;
    private volatile boolean cancelled;
    private volatile boolean closing;
    /** Since when there has been something that it was not sent yet; 0: there is nothing. Set by the tail too: it is measured only. */
    private volatile long behindSinceNanos = System.nanoTime();

    /** Before the next step of initial stock or of catching up. */
    private long restNanos;
    private boolean smallRows = true;
    private Cursor cursor = Cursor.START;
    private InitialStock initialStock;
    /** Caught up means: what was committed until then has been sent. */
    private long behindSinceMs;
    /** Whether the rows just sent ended with a message that said so. */
    private boolean saidCaughtUp;
    /** Whether the last look at the ring left nothing to send. */
    private boolean hasAll;

    Subscription(Feed feed, FeedRequest request, FeedSink sink) {
        this.feed = feed;
        this.request = request;
        this.sink = sink;
        this.selection = request.selection();
        this.heartbeatNanos = request.heartbeatInterval().toNanos();
        this.heads = new PublishedHeads(request.chainHeads(), feed.chainHeadsInterval());
        this.behindSinceMs = feed.clock().millis();
    }

    /** The sink is ready again, or something else has changed. Any thread; never blocks. */
    public void wake() {
        if (turns.wake()) {
            submit();
        }
    }

    /** The subscriber has gone; the sink is not called any more, save by a step under way. */
    public void cancel() {
        cancelled = true;
        feed.ended(this);
    }

    void endByClosing() {
        closing = true;
        wake();
    }

    /** New rows have come. */
    void tailed(List<JournalRow> rows) {
        if (phase != Phase.LIVE) {
            return;
        }
        for (JournalRow row : rows) {
            if (selection.wantsSomeOf(row) && request.had().of(row) != Cursor.WHOLE_ROW) {
                if (behindSinceNanos == 0) {
                    behindSinceNanos = System.nanoTime();
                }
                wake();
                return;
            }
        }
    }

    boolean isLive() {
        return phase == Phase.LIVE;
    }

    /** For how long it has not had everything that it asks for. */
    long behindNanos() {
        long since = behindSinceNanos;
        return since == 0 ? 0 : System.nanoTime() - since;
    }

    /** Wakes it where time has made something due; whether it waits for a newer look of the tail. */
    boolean tick(long nowNanos) {
        boolean retry = retrying && nowNanos - retryAtNanos >= 0;
        boolean waits = phase == Phase.LIVE && !caughtUp;
        boolean due = nowNanos - lastSentNanos >= heartbeatNanos || heads.areDue(nowNanos);
        if (retry || waits || !retrying && due && sink.isReady()) {
            wake();
        }
        return waits;
    }

    private void submit() {
        try {
            if (phase == Phase.LIVE) {
                feed.live().execute(this::run);
            } else {
                long rest = restNanos;
                restNanos = 0;
                feed.catchUpAfter(rest, this::run);
            }
        } catch (RejectedExecutionException e) {
            // The feed has been closed, and no other step runs now.
            end(FeedSink.End.CLOSING);
        }
    }

    private void run() {
        Then then = Then.WAIT;
        try {
            then = step();
        } catch (SQLException e) {
            if (!retrying) {
                LOG.warn("A subscription can't read the journal, trying on: {}", e.getMessage());
            }
            retrying = true;
            retryAtNanos = System.nanoTime() + RETRY_NANOS;
        } catch (GroupRow.DamagedException e) {
            LOG.error("A subscription ended at {}: {}", cursor, e.getMessage());
            end(FeedSink.End.JOURNAL_DAMAGED);
        } catch (RuntimeException e) {
            LOG.error("A subscription ended at {} by a failure", cursor, e);
            end(FeedSink.End.FAILED);
        }
        if (turns.goesOn(then == Then.AGAIN)) {
            // Behind the others that wait: each gets one step in turn.
            submit();
        }
    }

    private Then step() throws SQLException {
        if (phase == Phase.ENDED || cancelled) {
            return Then.WAIT;
        }
        if (closing) {
            end(FeedSink.End.CLOSING);
            return Then.WAIT;
        }
        if (!sink.isReady() || retrying && System.nanoTime() - retryAtNanos < 0) {
            return Then.WAIT;
        }
        Then then = switch (phase) {
            case STARTING -> begin();
            case STOCK -> sendStock();
            case CATCHING_UP -> catchUp();
            case LIVE -> follow();
            case ENDED -> Then.WAIT;
        };
        retrying = false;
        return then;
    }

    private Then begin() throws SQLException {
        JournalReader reader = feed.reader();
        if (request.start() instanceof FeedRequest.Start.After after) {
            cursor = after.cursor();
        } else if (request.start() instanceof FeedRequest.Start.Now) {
            cursor = Cursor.after(reader.watermark());
        } else {
            cursor = Cursor.START;
        }
        if (!reader.holds(cursor.position())) {
            end(FeedSink.End.CURSOR_EXPIRED);
            return Then.WAIT;
        }
        if (request.initialStock()) {
            Position at = reader.watermark();
            cursor = Cursor.after(at);
            initialStock = new InitialStock(reader, selection, at);
            phase = Phase.STOCK;
        } else {
            phase = Phase.CATCHING_UP;
        }
        return Then.AGAIN;
    }

    private Then sendStock() throws SQLException {
        long now = feed.clock().millis();
        long begun = System.nanoTime();
        InitialStock.Page page = initialStock.next(feed.messageBytes(), now);
        if (!page.stocks().isEmpty() || page.last() || heartbeatIsDue()) {
            send(FeedMessage.ofStock(page.stocks(), page.last(), cursor, feed.identity(), now));
        }
        if (page.last()) {
            phase = Phase.CATCHING_UP;
        }
        restNanos = feed.restNanos(System.nanoTime() - begun);
        return Then.AGAIN;
    }

    private Then catchUp() throws SQLException {
        if (feed.ring().covers(cursor)) {
            phase = Phase.LIVE;
            return Then.AGAIN;
        }
        Position from = readFrom(cursor);
        long begun = System.nanoTime();
        JournalReader.FeedPage page = selection.narrowsSkus()
                ? feed.reader().feedAfter(from, 2L * feed.messageBytes(), selection.skus(), selection.skuPrefix())
                : feed.reader().feedAfter(from, 2L * feed.messageBytes(), smallRows);
        smallRows = page.smallRows();
        // Rows that lay in the store for long; those of the ring have just been written.
        page.rows().stream().filter(selection::wantsSomeOf).forEach(JournalRow::whole);
        Position end = page.end();
        boolean whole = sendRows(page.rows(), OptionalLong.empty(), false);
        if (whole && !cursor.position().isAfter(end)) {
            // Also where it ends at the very row that the cursor is inside of: what is left of that row was not asked for.
            cursor = Cursor.after(end);
        }
        sendHeads(OptionalLong.empty());
        if (sink.isReady() && heartbeatIsDue()) {
            send(new FeedMessage.Builder().build(stamp(OptionalLong.empty(), false)));
        }
        long bytes = 0;
        for (JournalRow row : page.rows()) {
            bytes += row.payload().length;
        }
        restNanos = feed.catchUpRestNanos(System.nanoTime() - begun, bytes);
        return sink.isReady() && end.isAfter(from) ? Then.AGAIN : Then.WAIT;
    }

    /** A row that was taken in part comes again, to be taken on from where it was. */
    static Position readFrom(Cursor cursor) {
        Position position = cursor.position();
        return cursor.taken() == Cursor.WHOLE_ROW ? position : new Position(position.tx(), position.ordering() - 1);
    }

    private Then follow() {
        long behindSince = behindSinceNanos;
        // Before the read: what comes after it sets the time anew, and wakes this.
        behindSinceNanos = 0;
        hasAll = false;
        Then then = followOn();
        if (!hasAll) {
            behindSinceNanos = behindSince == 0 ? System.nanoTime() : behindSince;
        }
        return then;
    }

    private Then followOn() {
        Ring.Read read = feed.ring().readAfter(cursor, feed.messageBytes());
        if (!read.covered()) {
            phase = Phase.CATCHING_UP;
            caughtUp = false;
            feed.measurements().fellBehind();
            behindSinceMs = feed.clock().millis();
            return Then.AGAIN;
        }
        OptionalLong complete = OptionalLong.empty();
        boolean nowCaughtUp = false;
        if (read.toTheEnd() && read.completeTimeMs() > 0) {
            complete = OptionalLong.of(read.completeTimeMs());
            nowCaughtUp = !caughtUp && read.completeTimeMs() > behindSinceMs;
        }
        if (!sendRows(read.rows(), complete, nowCaughtUp)) {
            return sink.isReady() ? Then.AGAIN : Then.WAIT;
        }
        if (nowCaughtUp) {
            if (!saidCaughtUp) {
                send(new FeedMessage.Builder().build(stamp(complete, true)));
            }
            caughtUp = true;
        } else if (heartbeatIsDue()) {
            send(new FeedMessage.Builder().build(stamp(complete, false)));
        }
        sendHeads(complete);
        hasAll = caughtUp && read.toTheEnd();
        return read.toTheEnd() ? Then.WAIT : Then.AGAIN;
    }

    /**
     * Sends what is asked for of these rows, in messages of bounded size, while the sink is ready,
     * and moves the cursor along. The last message says {@code complete} and {@code caughtUpAtEnd}.
     *
     * @return whether all of it went out
     */
    private boolean sendRows(List<JournalRow> rows, OptionalLong complete, boolean caughtUpAtEnd) {
        saidCaughtUp = false;
        FeedMessage.Builder message = new FeedMessage.Builder();
        for (JournalRow row : rows) {
            Position position = row.position();
            int order = position.compareTo(cursor.position());
            boolean resumed = order == 0 && cursor.taken() != Cursor.WHOLE_ROW;
            if (order < 0 || order == 0 && !resumed) {
                continue;
            }
            int taken = Math.max(resumed ? cursor.taken() : 0, request.had().of(row));
            if (taken == Cursor.WHOLE_ROW || !selection.wantsSomeOf(row)) {
                cursor = Cursor.after(position);
                continue;
            }
            int bodyStart = row.group().bodyOffset();
            int bodyLength = row.group().bodyLength();
            if (taken == 0 && !selection.looksIntoEntries() && bodyLength <= feed.messageBytes()) {
                if (message.entryBytes() > 0 && message.entryBytes() + bodyLength > feed.messageBytes()) {
                    send(message.build(stamp(OptionalLong.empty(), false)));
                    message = new FeedMessage.Builder();
                    if (!sink.isReady()) {
                        return false;
                    }
                }
                message.add(row.payload(), bodyStart, bodyStart + bodyLength);
                cursor = Cursor.after(position);
                heads.passed(row);
                continue;
            }
            StoredEntries entries = new StoredEntries(row.group());
            int index = 0;
            while (entries.next()) {
                index++;
                if (index <= taken || !entries.matches(selection)) {
                    continue;
                }
                int length = entries.to() - entries.from();
                if (message.entryBytes() > 0 && message.entryBytes() + length > feed.messageBytes()) {
                    if (index > 1) {
                        cursor = new Cursor(position, index - 1);
                    }
                    send(message.build(stamp(OptionalLong.empty(), false)));
                    message = new FeedMessage.Builder();
                    if (!sink.isReady()) {
                        return false;
                    }
                }
                message.add(row.payload(), entries.from(), entries.to());
            }
            cursor = Cursor.after(position);
            heads.passed(row);
        }
        if (message.entryBytes() > 0) {
            send(message.build(stamp(complete, caughtUpAtEnd)));
            saidCaughtUp = caughtUpAtEnd;
        }
        return true;
    }

    private void sendHeads(OptionalLong complete) {
        while (heads.areDue(System.nanoTime()) && sink.isReady()) {
            send(new FeedMessage.Builder().heads(heads.take(feed.messageBytes())).build(stamp(complete, false)));
        }
    }

    private FeedMessage.Stamp stamp(OptionalLong complete, boolean caughtUpNow) {
        return new FeedMessage.Stamp(cursor, feed.identity(), feed.clock().millis(), complete, caughtUpNow);
    }

    private void send(FeedMessage message) {
        sink.send(message);
        feed.measurements().sent(message);
        lastSentNanos = System.nanoTime();
    }

    private boolean heartbeatIsDue() {
        return System.nanoTime() - lastSentNanos >= heartbeatNanos;
    }

    private void end(FeedSink.End why) {
        if (phase == Phase.ENDED) {
            return;
        }
        phase = Phase.ENDED;
        feed.ended(this);
        if (!cancelled) {
            sink.end(why);
        }
    }
}
