package io.stockledger.client;

import static io.stockledger.client.Eventually.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.v1.Mutation;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The old path is never held up, and what the ledger missed is found and sent again. */
@Timeout(20)
class DualWriteTest {

    private final ScriptedLedger ledger = new ScriptedLedger();
    private final LedgerClient client = LedgerClient.builder(ledger.target())
            .callTimeout(Duration.ofMillis(300))
            .mutationTimeout(Duration.ofMillis(300))
            .maxInFlight(100)
            .build();

    @TempDir
    private Path folder;

    private Path file;
    private DualWrite dual;

    @BeforeEach
    void open() throws IOException {
        file = folder.resolve("missed.tsv");
        dual = DualWrite.open(client, file);
    }

    @AfterEach
    void close() throws IOException {
        dual.close();
        client.close();
        ledger.close();
    }

    private static Mutation sold(int number) {
        return Mutations.sellAlreadyHappened("A", 1).setMutationId("order-" + number).build();
    }

    @Test
    void theLedgerFollows() throws Exception {
        for (int i = 0; i < 50; i++) {
            dual.after(sold(i));
        }
        assertTrue(dual.awaitSettled(Duration.ofSeconds(10)));
        assertEquals(new DualWrite.Counts(50, 50, 0, 0), dual.counts());
        assertEquals(50, ledger.applied.get("A").size());
        assertEquals(List.of(), dual.missed());
    }

    @Test
    void aLedgerThatIsAwayHoldsNothingUpAndIsToldLaterUnderTheSameIds() throws Exception {
        dual.after(sold(0));
        assertTrue(dual.awaitSettled(Duration.ofSeconds(10)));
        ledger.kill();
        // Far more than may be under way at once.
        for (int i = 1; i <= 1_000; i++) {
            dual.after(sold(i));
        }
        eventually("each is kept", () -> dual.counts().missed() == 1_000);
        DualWrite.Missed one = dual.missed().get(0);
        assertTrue(one.mutation().getMutationId().startsWith("order-"));

        ledger.start();
        client.awaitReachable(Duration.ofSeconds(10));
        int applied = 0;
        // Its client lets 100 through at a time.
        for (int i = 0; i < 50 && applied < 1_000; i++) {
            applied += dual.resend().applied();
        }
        assertEquals(1_000, applied);
        assertEquals(1_001, ledger.applied.get("A").size());
        assertEquals(List.of(), dual.missed());
    }

    @Test
    void whatHadArrivedAllTheSameIsNotCountedTwice() throws Exception {
        ledger.faults.add(new ScriptedLedger.Fault.AnswerLost());
        ledger.mutationError = (mutation, nth) -> nth == 0 ? null : com.google.rpc.Status.newBuilder().setCode(14).build();
        dual.after(sold(1));
        eventually("it is settled", () -> dual.counts().underWay() == 0);
        ledger.mutationError = (mutation, nth) -> null;
        dual.resend();
        assertEquals(List.of("order-1"), ledger.applied.get("A"));
        assertEquals(List.of(), dual.missed());
    }

    @Test
    void whatAnEarlierProcessMissedIsSentByTheNextAndHalfALineIsNone() throws Exception {
        ledger.kill();
        dual.after(sold(1));
        eventually("it is kept", () -> dual.counts().missed() == 1);
        dual.close();
        Files.writeString(file, "2026-11-28T00:00:00Z\tA\torder-2", StandardOpenOption.APPEND);
        dual = DualWrite.open(client, file);
        dual.after(sold(3));
        eventually("it is kept", () -> dual.counts().missed() == 1);
        assertEquals(List.of("order-1", "order-3"), dual.missed().stream().map(one -> one.mutation().getMutationId()).toList());

        ledger.start();
        client.awaitReachable(Duration.ofSeconds(10));
        assertEquals(new DualWrite.Resent(2, 0, List.of()), dual.resend());
    }

    @Test
    void whatIsOlderThanTheLedgersMemoryIsSetAsideAndNotSent() throws Exception {
        ledger.kill();
        dual.after(sold(1));
        eventually("it is kept", () -> dual.counts().missed() == 1);
        String old = Instant.now().minus(Duration.ofDays(6)).toString();
        Files.writeString(file, Files.readString(file).replaceFirst("^[^\t]*", old));
        ledger.start();
        client.awaitReachable(Duration.ofSeconds(10));

        assertEquals(1, dual.resend().tooOld().size());
        assertTrue(Files.readString(folder.resolve("missed.tsv.too-old")).contains("\torder-1\t"));
        assertEquals(0, ledger.arrived.size());
        assertEquals(List.of(), dual.missed());
    }

    @Test
    void whatHasAnIdStaysAsItIsSoThatItCanBeHandedOverAgain() throws Exception {
        ledger.kill();
        dual.after(sold(1));
        dual.after(sold(1));
        dual.after(Mutations.sellAlreadyHappened("A", 1).build());
        eventually("each is kept", () -> dual.counts().missed() == 3);
        List<Mutation> kept = dual.missed().stream().map(DualWrite.Missed::mutation).toList();
        assertEquals(2, kept.stream().filter(sold(1)::equals).count());
        assertEquals(1, kept.stream().filter(one -> !one.getMutationId().isEmpty() && one.hasOccurredAt()).count());
    }

    @Test
    void aLineThatIsNotAsItWasWrittenIsSetAsideAndHoldsUpNoOther() throws Exception {
        ledger.kill();
        dual.after(sold(1));
        dual.after(Mutations.sellAlreadyHappened("A\tB\nC", 1).setMutationId("odd\nid").build());
        eventually("both are kept", () -> dual.counts().missed() == 2);
        assertEquals(2, Files.readAllLines(file).size());
        String half = "2026-11-28T00:00:00Z\tA\torder-2\tUNAVAIL";
        Files.writeString(file, half + Files.readAllLines(file).get(0) + "\n", StandardOpenOption.APPEND);
        Files.write(file, new byte[] {(byte) 0xc3, '\n'}, StandardOpenOption.APPEND);
        dual.after(sold(3));
        eventually("it is kept", () -> dual.counts().missed() == 3);
        assertEquals(Set.of("order-1", "odd\nid", "order-3"), dual.missed().stream().map(one -> one.mutation().getMutationId()).collect(Collectors.toSet()));

        ledger.start();
        client.awaitReachable(Duration.ofSeconds(10));
        for (int i = 0; i < 20 && ledger.applied.getOrDefault("A", List.of()).size() < 2; i++) {
            dual.resend();
        }
        assertEquals(Set.of("order-1", "order-3"), Set.copyOf(ledger.applied.get("A")));
        List<String> aside = Files.readAllLines(folder.resolve("missed.tsv.unreadable"));
        assertTrue(aside.size() == 2 && aside.get(0).startsWith(half), aside::toString);
    }

    @Test
    void aDiskThatFillsUpInTheMiddleOfALineLeavesNothingOfIt() throws IOException {
        Files.writeString(file, "whole\n");
        try (FileChannel real = FileChannel.open(file, StandardOpenOption.WRITE)) {
            SeekableByteChannel full = (SeekableByteChannel) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {SeekableByteChannel.class}, (self, method, given) -> {
                if (!method.getName().equals("write")) {
                    return method.invoke(real, given);
                }
                if (real.position() > "whole\n".length()) {
                    throw new IOException("No space left on device");
                }
                ByteBuffer bytes = (ByteBuffer) given[0];
                int written = real.write(bytes.slice(bytes.position(), 4));
                bytes.position(bytes.position() + written);
                return written;
            });
            assertThrows(IOException.class, () -> DualWrite.append(full, ByteBuffer.wrap("broken off\n".getBytes(StandardCharsets.UTF_8))));
        }
        assertEquals("whole\n", Files.readString(file));
    }

    @Test
    void nothingIsForgottenWhereTheDiskIsFullWhileTheLedgerIsAway() throws Exception {
        ledger.kill();
        for (int i = 1; i <= 3; i++) {
            dual.after(sold(i));
        }
        eventually("each is kept", () -> dual.counts().missed() == 3);
        Files.writeString(file, "2026-11-28T00:00:00Z\tA\torder-4\n", StandardOpenOption.APPEND);
        Path resending = folder.resolve("missed.tsv.resending");
        Files.move(file, resending);
        // Nothing can be written to it.
        Files.createDirectory(file);

        for (int i = 0; i < 2; i++) {
            String why = assertThrows(IOException.class, dual::resend).getMessage();
            assertTrue(why.contains("missed.tsv.resending"), why);
        }
        assertEquals(4, Files.readAllLines(resending).size());
        assertEquals(new DualWrite.Counts(9, 0, 9, 0), dual.counts());
        Files.delete(file);
        assertEquals(Set.of("order-1", "order-2", "order-3"), dual.missed().stream().map(one -> one.mutation().getMutationId()).collect(Collectors.toSet()));

        ledger.start();
        client.awaitReachable(Duration.ofSeconds(10));
        assertEquals(new DualWrite.Resent(3, 0, List.of()), dual.resend());
        assertEquals(Set.of("order-1", "order-2", "order-3"), Set.copyOf(ledger.applied.get("A")));
        assertEquals(List.of(), dual.missed());
        assertEquals(1, Files.readAllLines(folder.resolve("missed.tsv.unreadable")).size(), "set aside once");
    }

    @Test
    void twoDontShareAFile() {
        assertTrue(assertThrows(IOException.class, () -> DualWrite.open(client, file)).getMessage().contains("in use"));
    }
}
