package io.stockledger.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.stockledger.v1.AdjustReason;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.UnavailableReason;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How people write times, durations and the contract's enums, and how they are shown to them. */
public final class Converters {
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h|d)");
    private static final Pattern DATE = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}");
    private static final DateTimeFormatter MILLISECONDS =
            DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private Converters() {
    }

    static void register(CommandLine command) {
        command.registerConverter(Duration.class, Converters::duration);
        command.registerConverter(Instant.class, Converters::instant);
        command.registerConverter(Point.class, Point::of);
        command.registerConverter(ZoneId.class, Converters::zone);
        command.registerConverter(UnavailableReason.class, text -> constant(UnavailableReason.values(), "UNAVAILABLE_REASON_", text));
        command.registerConverter(AdjustReason.class, text -> constant(AdjustReason.values(), "ADJUST_REASON_", text));
        command.registerConverter(EntryKind.class, text -> constant(EntryKind.values(), "ENTRY_KIND_", text));
    }

    static Duration duration(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            throw new TypeConversionException("'" + text + "' is not a duration such as 500ms, 90s, 15m, 2h or 7d");
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        };
    }

    /** A day alone, which is no point in time: whose midnight, and its beginning or its end? */
    static boolean isDate(String text) {
        return DATE.matcher(text).matches();
    }

    static Instant instant(String text) {
        if (isDate(text)) {
            throw new TypeConversionException("'" + text + "' is a date without a time; write " + text + "T00:00:00Z for where it begins in UTC");
        }
        try {
            return text.endsWith("Z") ? Instant.parse(text) : OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeException e) {
            throw new TypeConversionException("'" + text + "' is not a time such as 2026-11-27T18:00:00Z");
        }
    }

    /** A name that was given: an empty one, of a script's unset variable say, would quietly mean none. */
    static final class Name implements ITypeConverter<String> {
        @Override
        public String convert(String text) {
            if (text.isEmpty()) {
                throw new TypeConversionException("it is empty: give a name, or leave the option out");
            }
            return text;
        }
    }

    /** A cursor as a watch ends with it; empty where the text is none. */
    static Optional<ByteString> cursor(String text) {
        try {
            return isDate(text) ? Optional.empty() : Optional.of(ByteString.copyFrom(Base64.getUrlDecoder().decode(text)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    static ZoneId zone(String text) {
        try {
            return ZoneId.of(text);
        } catch (DateTimeException e) {
            throw new TypeConversionException("'" + text + "' is not a time zone such as UTC or Europe/Berlin");
        }
    }

    /** A constant by its short name: {@code damaged} for {@code UNAVAILABLE_REASON_DAMAGED}. */
    private static <E extends Enum<E>> E constant(E[] constants, String prefix, String text) {
        String name = prefix + text.toUpperCase(Locale.ROOT).replace('-', '_');
        return Arrays.stream(constants)
                .filter(constant -> constant.name().equals(name) && !isPlaceholder(constant))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("'" + text + "' is none of " + Arrays.stream(constants)
                        .filter(constant -> !isPlaceholder(constant))
                        .map(constant -> shown(constant, prefix))
                        .collect(Collectors.joining(", "))));
    }

    private static boolean isPlaceholder(Enum<?> constant) {
        return constant.name().endsWith("_UNSPECIFIED") || constant.name().equals("UNRECOGNIZED");
    }

    /** A constant of the contract as people write it: {@code ENTRY_KIND_SET_ASIDE} is {@code set-aside}. */
    static String shown(Enum<?> constant, String prefix) {
        String name = constant.name();
        return (name.startsWith(prefix) ? name.substring(prefix.length()) : name).toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static Timestamp timestamp(Instant time) {
        return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
    }

    static Instant instant(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    /** A time to the millisecond, or nothing where it is not set. */
    static String shown(boolean set, Timestamp time) {
        return set ? shown(instant(time)) : "";
    }

    public static String shown(Instant time) {
        return MILLISECONDS.format(time);
    }
}
