package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SalesLogTest {
    private static final String HEADER = "order_id,sku,quantity,occurred_at,channel\n";
    private static final String LINE = "1,MUG,2,2010-12-01T08:26:00Z,france\n";
    private static final Instant TIME = Instant.parse("2010-12-01T08:26:00Z");

    @TempDir
    private Path folder;

    @Test
    void plainAndGzipAreToldApartByTheirBytesNotTheirNames() throws IOException {
        List<SalesLog.Line> expected = List.of(new SalesLog.Movement(2, "MUG", 2, TIME, "france"));
        assertEquals(expected, lines(HEADER + LINE));
        assertEquals(expected, read(write("plain.csv", gzip(HEADER + LINE))));
        assertEquals(expected, read(write("zipped.csv.gz", (HEADER + LINE).getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void byteOrderMarkCarriageReturnsAndAMissingLastLineEndAreTolerated() throws IOException {
        assertEquals(List.of(new SalesLog.Movement(2, "MUG", 2, TIME, "france"), new SalesLog.Movement(3, "MUG", -1, TIME, "")),
                lines("\uFEFF" + HEADER.replace("\n", "\r\n") + LINE.replace("\n", "\r\n") + "2,MUG,-1,2010-12-01T08:26:00Z,"));
    }

    @Test
    void columnsStandInAnyOrderBesideOthers() throws IOException {
        assertEquals(List.of(new SalesLog.Movement(2, "MUG", 2, TIME, "france")),
                lines("note,quantity,sku,channel,occurred_at,order_id\n\"a, b\",2,MUG,france,2010-12-01T08:26:00Z,1\n"));
    }

    @Test
    void skusKeepSpacesCaseAndQuotes() throws IOException {
        assertEquals(List.of(new SalesLog.Movement(2, " BANK CHARGES", 1, TIME, "eire"), new SalesLog.Movement(3, "6\" plate", 1, TIME, "eire")),
                lines(HEADER + "1, BANK CHARGES,1,2010-12-01T08:26:00Z,eire\n1,\"6\"\" plate\",1,2010-12-01T08:26:00Z,eire\n"));
    }

    @Test
    void twoSpellingsOfOneSkuAreOneSku() throws IOException {
        assertEquals(List.of(new SalesLog.Movement(2, "caf\u00e9", 1, TIME, "")),
                lines(HEADER + "1,cafe\u0301,1,2010-12-01T08:26:00Z,\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "1,MUG,2,2010-12-01T08:26:00Z", "1,MUG,2,2010-12-01T08:26:00Z,france,more", "1,,2,2010-12-01T08:26:00Z,france",
        "1,MUG,0,2010-12-01T08:26:00Z,france", "1,MUG,,2010-12-01T08:26:00Z,france", "1,MUG,1.0,2010-12-01T08:26:00Z,france",
        "1,MUG,+2,2010-12-01T08:26:00Z,france", "1,MUG, 2,2010-12-01T08:26:00Z,france", "1,MUG,\u0662,2010-12-01T08:26:00Z,france",
        "1,MUG,1000000000001,2010-12-01T08:26:00Z,france", "1,MUG,-1000000000001,2010-12-01T08:26:00Z,france",
        "1,MUG,99999999999999999999,2010-12-01T08:26:00Z,france", "1,MUG,-,2010-12-01T08:26:00Z,france",
        "1,MUG,2,2010-12-01,france", "1,MUG,2,yesterday,france", "1,MUG,2,+12010-12-01T08:26:00Z,france",
        "1,MU\tG,2,2010-12-01T08:26:00Z,france", "1,MU\u0000G,2,2010-12-01T08:26:00Z,france", "1,\"MUG,2,2010-12-01T08:26:00Z,france"})
    void whatDoesNotParseIsMalformedAndTheNextLineIsRead(String line) throws IOException {
        List<SalesLog.Line> lines = lines(HEADER + line + "\n" + LINE);
        assertEquals(2, lines.size());
        assertTrue(lines.get(0) instanceof SalesLog.Malformed malformed && malformed.number() == 2, lines.get(0)::toString);
        assertEquals(new SalesLog.Movement(3, "MUG", 2, TIME, "france"), lines.get(1));
    }

    @Test
    void aTooLongLineIsMalformedAndCostsNoMoreMemoryThanItsBound() throws IOException {
        List<SalesLog.Line> lines = lines(HEADER + "x".repeat(5_000_000) + "\n" + LINE);
        assertEquals(new SalesLog.Malformed(2, "longer than 65,536 bytes"), lines.get(0));
        assertEquals(new SalesLog.Movement(3, "MUG", 2, TIME, "france"), lines.get(1));
    }

    @Test
    void bytesThatAreNotUtf8AreMalformed() throws IOException {
        byte[] line = LINE.getBytes(StandardCharsets.ISO_8859_1);
        line[2] = (byte) 0xE9;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(HEADER.getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(line);
        assertEquals(List.of(new SalesLog.Malformed(2, "not UTF-8")), read(write("a.csv", bytes.toByteArray())));
    }

    @Test
    void aBoundaryQuantityIsNotMalformed() throws IOException {
        assertEquals(List.of(new SalesLog.Movement(2, "MUG", -1_000_000_000_000L, TIME, "")),
                lines(HEADER + "1,MUG,-1000000000000,2010-12-01T08:26:00Z,\n"));
    }

    @Test
    void aCutOffGzipSaysSo() throws IOException {
        byte[] whole = gzip(HEADER + LINE.repeat(10_000));
        Path file = write("cut.csv.gz", Arrays.copyOf(whole, whole.length / 2));
        assertTrue(assertThrows(Failure.class, () -> read(file)).getMessage().contains("is cut off"));
    }

    @Test
    void aDamagedGzipSaysSo() throws IOException {
        byte[] whole = gzip(HEADER + LINE.repeat(10_000));
        whole[whole.length - 6] ^= 1;
        Path file = write("damaged.csv.gz", whole);
        assertTrue(assertThrows(Failure.class, () -> read(file)).getMessage().contains("is not sound gzip data"));
    }

    @Test
    void emptyFilesMissingColumnsFoldersAndMissingFilesSaySo() throws IOException {
        assertTrue(refusal(write("empty.csv", new byte[0])).contains("is empty"));
        assertTrue(refusal(write("nothing.csv.gz", gzip(""))).contains("is empty"));
        assertTrue(refusal(write("short.csv", "order_id,sku,quantity,channel\n".getBytes(StandardCharsets.UTF_8))).contains("has no column occurred_at"));
        assertTrue(refusal(write("double.csv", "sku,sku,order_id,quantity,occurred_at,channel\n".getBytes(StandardCharsets.UTF_8))).contains("two columns sku"));
        assertTrue(refusal(folder).contains("is a directory"));
        assertTrue(refusal(folder.resolve("none.csv")).contains("there is no file"));
    }

    private static String refusal(Path file) {
        return assertThrows(Failure.class, () -> SalesLog.open(file)).getMessage();
    }

    private List<SalesLog.Line> lines(String text) throws IOException {
        return read(write("a.csv", text.getBytes(StandardCharsets.UTF_8)));
    }

    private Path write(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private static List<SalesLog.Line> read(Path file) {
        List<SalesLog.Line> lines = new ArrayList<>();
        try (SalesLog log = SalesLog.open(file)) {
            for (Optional<SalesLog.Line> next = log.next(); next.isPresent(); next = log.next()) {
                lines.add(next.get());
            }
        }
        return lines;
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }
}
