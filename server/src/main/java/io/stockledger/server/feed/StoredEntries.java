package io.stockledger.server.feed;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import java.io.IOException;
import java.util.Map;

/**
 * Walks over a stored row's entries without decoding them: where each begins and ends, and the few
 * fields that a filter or initial stock needs.
 */
final class StoredEntries {
    private final byte[] bytes;
    private final int end;
    private int from;
    private int content;
    private int to;

    StoredEntries(GroupRow row) {
        this.bytes = row.bytes();
        this.to = row.bodyOffset();
        this.end = row.bodyOffset() + row.bodyLength();
    }

    /** Goes to the next entry; false where there is none. */
    boolean next() {
        if (to >= end) {
            return false;
        }
        from = to;
        int at = from + 1;
        int length = 0;
        for (int shift = 0; ; shift += 7) {
            if (at >= end || shift > 28) {
                throw new GroupRow.DamagedException("an entry's length can't be read");
            }
            byte next = bytes[at++];
            length |= (next & 0x7F) << shift;
            if (next >= 0) {
                break;
            }
        }
        content = at;
        to = at + length;
        if (length < 0 || to > end || bytes[from] != 0x0A) {
            throw new GroupRow.DamagedException("an entry reaches beyond its row");
        }
        return true;
    }

    /** Where the entry begins, its tag and length included. */
    int from() {
        return from;
    }

    int to() {
        return to;
    }

    /** Whether the entry is one that the selection's per-entry part asks for. */
    boolean matches(Selection selection) {
        boolean channel = selection.channels().isEmpty() || selection.channels().contains("");
        boolean kind = selection.kinds().isEmpty();
        boolean location = selection.locations().isEmpty();
        try {
            CodedInputStream in = CodedInputStream.newInstance(bytes, content, to - content);
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (WireFormat.getTagFieldNumber(tag)) {
                    case Entry.KIND_FIELD_NUMBER -> {
                        int number = in.readEnum();
                        kind = selection.kinds().isEmpty() || selection.kinds().contains(number);
                    }
                    case Entry.CHANNEL_FIELD_NUMBER -> {
                        String name = in.readStringRequireUtf8();
                        channel = selection.channels().isEmpty() || selection.channels().contains(name);
                    }
                    case Entry.LOCATION_FIELD_NUMBER -> {
                        String name = in.readStringRequireUtf8();
                        location = location || selection.locations().contains(name);
                    }
                    case Entry.MOVEMENTS_FIELD_NUMBER ->
                        location = location | nested(in, selection, Movement.LOCATION_FIELD_NUMBER, Movement.TO_LOCATION_FIELD_NUMBER);
                    case Entry.BALANCES_FIELD_NUMBER ->
                        location = location | nested(in, selection, LocationBalance.LOCATION_FIELD_NUMBER, LocationBalance.LOCATION_FIELD_NUMBER);
                    default -> in.skipField(tag);
                }
            }
        } catch (IOException e) {
            throw new GroupRow.DamagedException("a stored entry can't be read: " + e.getMessage());
        }
        return kind && location && channel;
    }

    Entry entry() {
        try {
            return Entry.parseFrom(CodedInputStream.newInstance(bytes, content, to - content));
        } catch (IOException e) {
            throw new GroupRow.DamagedException("a stored entry can't be read: " + e.getMessage());
        }
    }

    /** Puts the entry's balances into the map, by location. */
    void balances(Map<String, LocationBalance> into) {
        try {
            CodedInputStream in = CodedInputStream.newInstance(bytes, content, to - content);
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (WireFormat.getTagFieldNumber(tag) == Entry.BALANCES_FIELD_NUMBER) {
                    int outer = in.pushLimit(in.readRawVarint32());
                    LocationBalance balance = LocationBalance.parseFrom(in);
                    in.popLimit(outer);
                    into.put(balance.getLocation(), balance);
                } else {
                    in.skipField(tag);
                }
            }
        } catch (IOException e) {
            throw new GroupRow.DamagedException("a stored entry can't be read: " + e.getMessage());
        }
    }

    private static boolean nested(CodedInputStream in, Selection selection, int field, int otherField) throws IOException {
        boolean found = false;
        int outer = in.pushLimit(in.readRawVarint32());
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int number = WireFormat.getTagFieldNumber(tag);
            if (number == field || number == otherField) {
                found |= selection.locations().contains(in.readStringRequireUtf8());
            } else {
                in.skipField(tag);
            }
        }
        in.popLimit(outer);
        return found;
    }
}
