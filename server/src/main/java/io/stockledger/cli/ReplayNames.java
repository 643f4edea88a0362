package io.stockledger.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.text.Normalizer;
import java.util.HexFormat;
import java.util.OptionalLong;

/**
 * What a replayed file calls its mutations: made from the file's name and the
 * line, so that every run over it, gzip or plain, in whatever folder, names the
 * same line the same.
 *
 * @param file the file's name as entries refer to it
 * @param prefix what the ids of the file's mutations begin with
 */
record ReplayNames(String file, String prefix) {
    /** Leaves room in the 128 characters of a reference for a colon and any line number. */
    private static final int FILE_CHARACTERS_MAX = 100;

    static ReplayNames of(Path path) {
        String name = Normalizer.normalize(path.getFileName().toString(), Normalizer.Form.NFC);
        if (name.endsWith(".gz") && name.length() > 3) {
            name = name.substring(0, name.length() - 3);
        }
        String hash = hash(name);
        String shown = Table.printable(name);
        if (shown.codePointCount(0, shown.length()) > FILE_CHARACTERS_MAX) {
            shown = shown.substring(0, shown.offsetByCodePoints(0, FILE_CHARACTERS_MAX - 1 - hash.length())) + "~" + hash;
        }
        return new ReplayNames(shown, "replay:" + hash + ":");
    }

    /** The id of a line's mutation. */
    String id(long line) {
        return prefix + line;
    }

    /** The id of the opening stock of the SKU that is first met in a line. */
    String openingId(long line) {
        return prefix + "open:" + line;
    }

    /** Where a mutation comes from, for people. */
    String reference(long line) {
        return file + ":" + line;
    }

    boolean isOpening(String mutationId) {
        return mutationId.startsWith(prefix + "open:");
    }

    /** The line that a mutation id names; empty where it is an opening or of another file. */
    OptionalLong line(String mutationId) {
        if (!mutationId.startsWith(prefix)) {
            return OptionalLong.empty();
        }
        String line = mutationId.substring(prefix.length());
        boolean digits = !line.isEmpty() && line.length() <= 18 && line.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits ? OptionalLong.of(Long.parseLong(line)) : OptionalLong.empty();
    }

    private static String hash(String name) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
