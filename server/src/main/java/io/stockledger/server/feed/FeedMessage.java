package io.stockledger.server.feed;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnsafeByteOperations;
import io.stockledger.server.journal.ChainHead;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;

/**
 * One message of the feed, in the wire form of SubscribeResponse: entries are pieces of the stored
 * rows, never decoded or encoded again, followed by what is said once a message.
 */
public final class FeedMessage {
    private final List<Piece> pieces;
    private final byte[] rest;
    private final int length;
    private final Cursor cursor;

    private record Piece(byte[] bytes, int from, int to) {}

    private FeedMessage(List<Piece> pieces, int entryBytes, byte[] rest, Cursor cursor) {
        this.pieces = pieces;
        this.rest = rest;
        this.length = entryBytes + rest.length;
        this.cursor = cursor;
    }

    public int length() {
        return length;
    }

    public void writeTo(OutputStream out) throws IOException {
        for (Piece piece : pieces) {
            out.write(piece.bytes, piece.from, piece.to - piece.from);
        }
        out.write(rest);
    }

    boolean hasEntries() {
        return !pieces.isEmpty();
    }

    /** How far it brings its reader. */
    Cursor cursor() {
        return cursor;
    }

    /** The same with what a consumer of a named subscription is told beside. */
    FeedMessage with(ByteString acknowledgement, long rewinds) {
        byte[] more = SubscribeResponse.newBuilder().setAcknowledgement(acknowledgement).setRewinds(rewinds).build().toByteArray();
        byte[] longer = Arrays.copyOf(rest, rest.length + more.length);
        System.arraycopy(more, 0, longer, rest.length, more.length);
        return new FeedMessage(pieces, length - rest.length, longer, cursor);
    }

    /** What is said beside entries and stock. */
    record Stamp(Cursor cursor, LedgerIdentity ledger, long ledgerTimeMs, OptionalLong completeTimeMs, boolean caughtUp) {}

    static FeedMessage ofStock(List<Stock> stocks, boolean complete, Cursor cursor, LedgerIdentity ledger, long ledgerTimeMs) {
        return new FeedMessage(List.of(), 0, SubscribeResponse.newBuilder()
                .addAllStocks(stocks)
                .setStockComplete(complete)
                .setCursor(UnsafeByteOperations.unsafeWrap(complete ? cursor.toBytes(ledger) : new byte[0]))
                .setLedgerTime(timestamp(ledgerTimeMs))
                .build().toByteArray(), cursor);
    }

    static FeedMessage ofRetried(List<Entry> entries, Cursor cursor, LedgerIdentity ledger, long ledgerTimeMs) {
        return new FeedMessage(List.of(), 0, SubscribeResponse.newBuilder()
                .addAllRetriedEntries(entries)
                .setCursor(UnsafeByteOperations.unsafeWrap(cursor.toBytes(ledger)))
                .setLedgerTime(timestamp(ledgerTimeMs))
                .build().toByteArray(), cursor);
    }

    static Timestamp timestamp(long ms) {
        return Timestamp.newBuilder()
                .setSeconds(Math.floorDiv(ms, 1000L))
                .setNanos((int) Math.floorMod(ms, 1000L) * 1_000_000)
                .build();
    }

    /** Collects entries. */
    static final class Builder {
        private final List<Piece> pieces = new ArrayList<>();
        private int entryBytes;
        private List<ChainHead> heads = List.of();

        /** Adds where chains stand. */
        Builder heads(List<ChainHead> chainHeads) {
            heads = chainHeads;
            return this;
        }

        int entryBytes() {
            return entryBytes;
        }

        /** Adds the bytes of whole entries; neighbours become one piece. */
        void add(byte[] bytes, int from, int to) {
            if (from == to) {
                return;
            }
            int last = pieces.size() - 1;
            if (last >= 0 && pieces.get(last).bytes == bytes && pieces.get(last).to == from) {
                pieces.set(last, new Piece(bytes, pieces.get(last).from, to));
            } else {
                pieces.add(new Piece(bytes, from, to));
            }
            entryBytes += to - from;
        }

        FeedMessage build(Stamp stamp) {
            SubscribeResponse.Builder rest = SubscribeResponse.newBuilder()
                    .setCaughtUp(stamp.caughtUp())
                    .setCursor(UnsafeByteOperations.unsafeWrap(stamp.cursor().toBytes(stamp.ledger())))
                    .setLedgerTime(timestamp(stamp.ledgerTimeMs()));
            stamp.completeTimeMs().ifPresent(ms -> rest.setCompleteTime(timestamp(ms)));
            heads.forEach(head -> rest.addChainHeads(head.toContract()));
            return new FeedMessage(List.copyOf(pieces), entryBytes, rest.build().toByteArray(), stamp.cursor());
        }
    }
}
