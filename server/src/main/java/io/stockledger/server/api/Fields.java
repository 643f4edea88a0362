package io.stockledger.server.api;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import io.stockledger.server.domain.Limits;
import io.stockledger.server.journal.EntryCodec;
import java.text.Normalizer;

/** Reads single fields of requests: bounds checked, texts in Unicode NFC. */
final class Fields {
    static final int SKU_MAX = 128;
    static final int MUTATION_ID_MAX = 64;
    static final int LOCATION_MAX = 64;
    static final int CHANNEL_MAX = 64;
    static final int REFERENCE_MAX = 128;
    static final int PRINCIPAL_MAX = 128;
    private static final int PAGE_DEFAULT = 100;
    private static final int PAGE_MAX = 1_000;
    static final long CLOCK_SKEW_MAX_MS = 60_000;
    static final long TIME_TO_LIVE_MIN_MS = 1_000;
    static final long TIME_TO_LIVE_MAX_MS = 30L * 24 * 3600 * 1000;

    private Fields() {}

    /** Not of spaces alone: the persistence plugin takes them for no id at all. */
    static String sku(String field, String value) throws InvalidRequest {
        String sku = requiredText(field, value, SKU_MAX);
        if (sku.trim().isEmpty()) {
            throw InvalidRequest.field(field, "holds nothing but spaces");
        }
        return sku;
    }

    static String requiredText(String field, String value, int max) throws InvalidRequest {
        if (value.isEmpty()) {
            throw InvalidRequest.field(field, "is required");
        }
        return text(field, value, max);
    }

    /** Up to {@code max} characters (Unicode code points after NFC), none of them a control character. */
    static String text(String field, String value, int max) throws InvalidRequest {
        boolean ascii = true;
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (Character.isISOControl(c)) {
                throw InvalidRequest.field(field, String.format("holds a control character, U+%04X", (int) c));
            }
            ascii &= c < 0x80;
        }
        String text = ascii ? value : Normalizer.normalize(value, Normalizer.Form.NFC);
        int length = ascii ? text.length() : text.codePointCount(0, text.length());
        if (length > max) {
            throw InvalidRequest.field(field, "has " + length + " characters; at most " + max);
        }
        return text;
    }

    /** Rows a page. */
    static int pageSize(int value) throws InvalidRequest {
        int size = (int) between("page_size", value, 0, Integer.MAX_VALUE);
        return size == 0 ? PAGE_DEFAULT : Math.min(size, PAGE_MAX);
    }

    static long quantity(String field, long value) throws InvalidRequest {
        return between(field, value, 1, Limits.QUANTITY_MAX);
    }

    static long between(String field, long value, long min, long max) throws InvalidRequest {
        if (value < min || value > max) {
            throw InvalidRequest.field(field, "is " + value + "; must be " + min + " to " + max);
        }
        return value;
    }

    /** Milliseconds since 1970. */
    static long time(String field, Timestamp value) throws InvalidRequest {
        if (!Timestamps.isValid(value) || value.getSeconds() < 0 || EntryCodec.millis(value) == 0) {
            throw InvalidRequest.field(field, "is no time after 1970 that a Timestamp can hold");
        }
        return EntryCodec.millis(value);
    }

    static long timeToLiveMs(String field, Duration value) throws InvalidRequest {
        if (!Durations.isValid(value)) {
            throw InvalidRequest.field(field, "is no valid duration");
        }
        // Compared in seconds first: the milliseconds of a long duration overflow.
        long ms = Math.abs(value.getSeconds()) > TIME_TO_LIVE_MAX_MS ? Long.MAX_VALUE : Durations.toMillis(value);
        if (ms < TIME_TO_LIVE_MIN_MS || ms > TIME_TO_LIVE_MAX_MS) {
            throw InvalidRequest.field(field, "is " + value.getSeconds() + " s; must be 1 second to 30 days");
        }
        return ms;
    }
}
