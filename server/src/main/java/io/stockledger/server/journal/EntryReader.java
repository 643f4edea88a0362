package io.stockledger.server.journal;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.WireFormat;
import io.stockledger.server.domain.AdjustReason;
import io.stockledger.server.domain.Allocation;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Bucket;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.EntryKind;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.domain.UnavailableReason;
import io.stockledger.v1.ChannelAllocation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads a row's entries for a stock to evolve by, without the contract's messages, and passes over what no stock asks
 * for: a hot SKU comes back from up to a hundred thousand entries, in a process that has just started, where nothing is
 * compiled and each byte that is looked at costs ten times what it will.
 */
final class EntryReader {
    private static final Bucket[] BUCKETS = Bucket.values();
    private static final EntryKind[] KINDS = EntryKind.values();

    private final byte[] bytes;
    private final int offset;
    private final CodedInputStream in;
    /** Read last, with its bytes: most entries of a row are at one location. */
    private String location = "";
    private byte[] locationBytes = {};

    /** Of the bytes from {@code offset} on, so many. */
    EntryReader(byte[] bytes, int offset, int length) {
        this.bytes = bytes;
        this.offset = offset;
        this.in = CodedInputStream.newInstance(bytes, offset, length);
    }

    CodedInputStream in() {
        return in;
    }

    /**
     * The entry whose length comes next, of this SKU: what {@link io.stockledger.server.domain.Stock#evolve} asks for is
     * what was written, the rest is empty.
     */
    Entry next(String sku) throws IOException {
        int outer = in.pushLimit(in.readRawVarint32());
        long sequence = 0;
        EntryKind kind = null;
        List<Movement> movements = List.of();
        List<Balance> balances = List.of();
        String mutationId = "";
        String place = "";
        String channel = "";
        String reference = "";
        String reservationId = "";
        long recordedAtMs = 0;
        long createdAtMs = 0;
        long expiresAtMs = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            // Written in the order of their numbers: the kind is known when it matters.
            boolean balancesSayAll = kind != null && changesBalancesAlone(kind);
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 2 -> sequence = in.readInt64();
                case 3 -> kind = KINDS[in.readEnum() - 1];
                case 4 -> {
                    if (balancesSayAll) {
                        in.skipField(tag);
                    } else {
                        movements = with(movements, movement());
                    }
                }
                case 5 -> mutationId = in.readString();
                case 6 -> place = location();
                case 7 -> channel = textUnless(balancesSayAll);
                case 8 -> reference = textUnless(balancesSayAll);
                case 11 -> recordedAtMs = timeMs();
                case 12 -> balances = with(balances, balance());
                case 13 -> reservationId = in.readString();
                case 14 -> expiresAtMs = timeMs();
                case 19 -> createdAtMs = timeMs();
                default -> in.skipField(tag);
            }
        }
        in.popLimit(outer);
        if (kind == null) {
            throw new GroupRow.DamagedException("a journal row holds an entry of no kind");
        }
        return new Entry(sku, sequence, kind, movements, mutationId, place, channel, reference, "", 0, recordedAtMs,
                createdAtMs, balances, reservationId, expiresAtMs, UnavailableReason.NONE, AdjustReason.NONE, 0);
    }

    /** Its balances are all that a stock takes over of it, beside its id. */
    private static boolean changesBalancesAlone(EntryKind kind) {
        return switch (kind) {
            case SELL, RETURN, SET_ASIDE, PUT_BACK, ADJUST, COUNT, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION -> true;
            case EXPECT, CANCEL_EXPECTED, RECEIVE, SHIP_TRANSFER, RECEIVE_TRANSFER, RESERVE, EXTEND, RELEASE, COMMIT, FULFILL,
                    CANCEL_COMMITTED, EXPIRE -> false;
        };
    }

    private String textUnless(boolean passedOver) throws IOException {
        if (passedOver) {
            in.skipRawBytes(in.readRawVarint32());
            return "";
        }
        return in.readString();
    }

    private String location() throws IOException {
        int length = in.readRawVarint32();
        int begin = offset + in.getTotalBytesRead();
        in.skipRawBytes(length);
        if (!Arrays.equals(bytes, begin, begin + length, locationBytes, 0, locationBytes.length)) {
            locationBytes = Arrays.copyOfRange(bytes, begin, begin + length);
            location = new String(locationBytes, StandardCharsets.UTF_8);
        }
        return location;
    }

    private Movement movement() throws IOException {
        int outer = in.pushLimit(in.readRawVarint32());
        int from = 0;
        int to = 0;
        long quantity = 0;
        String at = "";
        String toLocation = "";
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> from = in.readEnum();
                case 2 -> to = in.readEnum();
                case 3 -> quantity = in.readInt64();
                case 4 -> at = location();
                case 5 -> toLocation = in.readString();
                default -> in.skipField(tag);
            }
        }
        in.popLimit(outer);
        return new Movement(BUCKETS[from - 1], BUCKETS[to - 1], quantity, at, toLocation.isEmpty() ? at : toLocation);
    }

    private Balance balance() throws IOException {
        int outer = in.pushLimit(in.readRawVarint32());
        String at = "";
        long available = 0;
        long reserved = 0;
        long committed = 0;
        long unavailable = 0;
        long damaged = 0;
        long qualityControl = 0;
        long incoming = 0;
        long safetyStock = 0;
        List<Allocation> allocations = List.of();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> at = location();
                case 2 -> available = in.readInt64();
                case 3 -> reserved = in.readInt64();
                case 4 -> committed = in.readInt64();
                case 5 -> unavailable = in.readInt64();
                case 6 -> damaged = in.readInt64();
                case 7 -> qualityControl = in.readInt64();
                case 8 -> incoming = in.readInt64();
                case 9 -> safetyStock = in.readInt64();
                case 10 -> {
                    ChannelAllocation.Builder allocation = ChannelAllocation.newBuilder();
                    in.readMessage(allocation, ExtensionRegistryLite.getEmptyRegistry());
                    allocations = with(allocations, EntryCodec.toDomain(allocation.build()));
                }
                default -> in.skipField(tag);
            }
        }
        in.popLimit(outer);
        return new Balance(at, available, reserved, committed, damaged, qualityControl, unavailable - damaged - qualityControl,
                incoming, safetyStock, List.copyOf(allocations));
    }

    private long timeMs() throws IOException {
        int outer = in.pushLimit(in.readRawVarint32());
        long seconds = 0;
        int nanos = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> seconds = in.readInt64();
                case 2 -> nanos = in.readInt32();
                default -> in.skipField(tag);
            }
        }
        in.popLimit(outer);
        return EntryCodec.millis(seconds, nanos);
    }

    private static <T> List<T> with(List<T> before, T next) {
        if (before.isEmpty()) {
            return List.of(next);
        }
        List<T> more = new ArrayList<>(before);
        more.add(next);
        return more;
    }
}
