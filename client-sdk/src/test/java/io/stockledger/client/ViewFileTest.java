package io.stockledger.client;

import static io.stockledger.client.ScriptedLedger.cursor;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Share;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A stock view on disk: the whole of one, or nothing. */
@Timeout(60)
class ViewFileTest {

    private static final Share ALL = Share.getDefaultInstance();
    private static final FeedFilter NO_FILTER = FeedFilter.getDefaultInstance();

    @TempDir
    private Path folder;

    private static ViewFile.Held held(int skus, long sequence) {
        Map<String, SkuStock> stocks = new HashMap<>();
        for (int i = 0; i < skus; i++) {
            LocationBalance balance = LocationBalance.newBuilder()
                    .setLocation("main")
                    .setAvailable(sequence)
                    .build();
            stocks.put("SKU-" + i, new SkuStock(sequence, List.of(balance)));
        }
        return new ViewFile.Held(cursor((int) sequence), Instant.ofEpochSecond(1_700_000_000L, 123_000_000), stocks);
    }

    @Test
    void whatWasWrittenIsRead() throws Exception {
        ViewFile file = new ViewFile(folder.resolve("view"), NO_FILTER, ALL);
        assertEquals(Optional.empty(), file.read(10));
        file.write(held(10, 1));
        file.write(held(9, 2));
        assertEquals(Optional.of(held(9, 2)), file.read(9));
        assertEquals(List.of("view"), List.of(folder.toFile().list()));
        assertThrows(ViewFile.UnusableException.class, () -> file.read(8));
    }

    @Test
    void aFileOfOtherSkusIsNotUsed() throws Exception {
        Path path = folder.resolve("view");
        new ViewFile(path, NO_FILTER, ALL).write(held(1, 1));
        ViewFile other = new ViewFile(path, FeedFilter.newBuilder().setSkuPrefix("S").build(), ALL);
        Exception why = assertThrows(ViewFile.UnusableException.class, () -> other.read(10));
        assertTrue(why.getMessage().contains("another filter or share"), why.getMessage());
        ViewFile share = new ViewFile(path, NO_FILTER, Share.newBuilder().setIndex(1).setCount(2).build());
        assertThrows(ViewFile.UnusableException.class, () -> share.read(10));
    }

    @Test
    void aFileThatIsCutOrChangedAnywhereIsNotUsed() throws Exception {
        Path path = folder.resolve("view");
        ViewFile file = new ViewFile(path, NO_FILTER, ALL);
        file.write(held(3, 5));
        byte[] whole = Files.readAllBytes(path);
        for (int i = 0; i < whole.length; i++) {
            Files.write(path, Arrays.copyOf(whole, i));
            assertThrows(ViewFile.UnusableException.class, () -> file.read(10));
            byte[] changed = whole.clone();
            changed[i] ^= 0x40;
            Files.write(path, changed);
            assertThrows(ViewFile.UnusableException.class, () -> file.read(10));
        }
        Files.write(path, Arrays.copyOf(whole, whole.length + 1));
        assertThrows(ViewFile.UnusableException.class, () -> file.read(10));
        Files.delete(path);
        Files.createDirectory(path);
        assertThrows(ViewFile.UnusableException.class, () -> file.read(10));
    }

    @Test
    void aWriterThatIsKilledLeavesTheSnapshotBefore() throws Exception {
        Path path = folder.resolve("view");
        ViewFile file = new ViewFile(path, NO_FILTER, ALL);
        long last = 0;
        for (int round = 0; round < 3; round++) {
            Process writer = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "-Xmx64m",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Writer.class.getName(),
                            path.toString(),
                            Long.toString(last))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            // It says so after each: killed at any moment after some.
            for (int i = 0; i < 5 + round; i++) {
                assertTrue(writer.getInputStream().read() >= 0);
            }
            writer.destroyForcibly().waitFor();
            ViewFile.Held found = file.read(10_000).orElseThrow();
            long sequence = found.stocks().get("SKU-0").sequence();
            assertEquals(held(2_000, sequence), found);
            assertTrue(sequence > last);
            last = sequence;
        }
    }

    /** Writes one snapshot after the other until it is killed. */
    static final class Writer {
        public static void main(String[] args) throws Exception {
            ViewFile file = new ViewFile(Path.of(args[0]), NO_FILTER, ALL);
            for (long sequence = Long.parseLong(args[1]) + 1; ; sequence++) {
                file.write(held(2_000, sequence));
                System.out.write('.');
                System.out.flush();
            }
        }
    }
}
