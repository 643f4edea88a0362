package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Routing;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The decision moves when the comparison speaks for it, and back at any time; the job goes when nothing needs it. */
class MigrateSwitchTest {
    @TempDir
    private Path folder;

    private record Ended(int code, String out, String err) {
    }

    private Ended migrate(String... arguments) {
        List<String> all = new ArrayList<>(List.of("migrate"));
        all.addAll(Arrays.asList(arguments));
        all.addAll(List.of("--folder", folder.toString()));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Stockledger.run(all.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
        return new Ended(code, out.toString(), err.toString());
    }

    private Routing.Decider decides(String sku, String channel) throws IOException {
        return Routing.load(folder.resolve("routing.tsv")).decides(sku, channel);
    }

    /** A comparison of so many days until now, in which one SKU drifts. */
    private void compared(int days, String driftingSku) throws IOException {
        compared(days, Instant.now(), driftingSku);
    }

    private void compared(int days, Instant end, String driftingSku) throws IOException {
        StringBuilder lines = new StringBuilder();
        Instant begin = end.minus(Duration.ofDays(days));
        lines.append("{\"at\":\"" + begin + "\",\"what\":\"begun\",\"source\":\"stock.csv\",\"figure\":\"on-hand\",\"lag_seconds\":900,\"partial\":false}\n");
        lines.append("{\"at\":\"" + begin + "\",\"what\":\"named\",\"places\":[[\"A7\",\"main\"],[\"B1\",\"main\"]]}\n");
        for (Instant at = begin; !at.isAfter(end); at = at.plus(Duration.ofMinutes(10))) {
            lines.append("{\"at\":\"" + at + "\",\"what\":\"looked\",\"compared\":9,\"behind\":0,\"drifting\":0,\"units\":0}\n");
        }
        if (!driftingSku.isEmpty()) {
            lines.append("{\"at\":\"" + end.minusSeconds(3_600) + "\",\"what\":\"drifting\",\"sku\":\"" + driftingSku
                    + "\",\"location\":\"main\",\"old\":1,\"ledger\":2}\n");
        }
        Files.writeString(folder.resolve("observations.jsonl"), lines.toString());
    }

    @Test
    void withoutAComparisonNothingIsSwitchedUnlessByForceAndTheHistorySaysSo() throws IOException {
        Ended refused = migrate("switch", "--prefix", "A", "--to", "ledger");
        assertEquals(1, refused.code());
        assertTrue(refused.err().contains("not switched: nothing was compared yet; asked for is 7 d 0 h"), refused::err);
        assertEquals(Routing.Decider.OLD_PATH, decides("A1", "web"));

        assertEquals(0, migrate("switch", "--prefix", "A", "--to", "ledger", "--force").code());
        assertEquals(Routing.Decider.LEDGER, decides("A1", "web"));
        assertTrue(migrate("switch").out().contains("forced; nothing was compared yet"), () -> migrate("switch").out());
    }

    @Test
    void aDriftHoldsBackItsOwnSkusAndNotTheOthers() throws IOException {
        compared(8, "A7");
        assertEquals(1, migrate("switch", "--prefix", "A", "--to", "ledger").code());
        assertEquals(0, migrate("switch", "--prefix", "B", "--to", "ledger").code());
        assertEquals(Routing.Decider.LEDGER, decides("B1", "web"));
        assertEquals(0, migrate("switch", "--prefix", "B", "--back").code());
        assertEquals(Routing.Decider.OLD_PATH, decides("B1", "web"));
    }

    @Test
    void aPartThatWasNeverComparedIsSwitchedByForceAlone() throws IOException {
        compared(8, "");
        Ended refused = migrate("switch", "--prefix", "NO-SUCH", "--to", "ledger");
        assertEquals(1, refused.code());
        assertTrue(refused.err().contains("not switched: no SKU that begins with NO-SUCH was ever compared"), refused::err);
        assertEquals(0, migrate("switch", "--prefix", "NO-SUCH", "--to", "ledger", "--force").code());
    }

    @Test
    void aChannelIsSwitchedByWhatIsKnownOfAllChannelsAndTheHistorySaysSo() throws IOException {
        compared(8, "A7");
        assertEquals(1, migrate("switch", "--channel", "web", "--to", "ledger").code());
        compared(8, "");
        Ended switched = migrate("switch", "--channel", "web", "--to", "ledger");
        assertEquals(0, switched.code(), switched::err);
        assertTrue(switched.out().contains("it is of all channels together, not of web alone"), switched::out);
    }

    @Test
    void aPrefixThatNoLineCanHoldIsRefusedInWords() throws IOException {
        compared(8, "");
        for (String[] option : new String[][] {{"--prefix", "a\tb"}, {"--channel", "a\nb"}}) {
            Ended refused = migrate("switch", option[0], option[1], "--back");
            assertEquals(1, refused.code());
            assertTrue(refused.err().contains("--prefix and --channel may hold no control characters"), refused::err);
        }
    }

    @Test
    void aComparisonThatEndedDaysAgoSwitchesNothing() throws IOException {
        compared(8, Instant.now().minus(Duration.ofDays(2)), "");
        Ended refused = migrate("switch", "--to", "ledger");
        assertEquals(1, refused.code());
        assertTrue(refused.err().contains("nobody has compared since"), refused::err);
    }

    @Test
    void aFileOfMissedMutationsThatNobodyEverOpenedIsAnErrorAndWhatWasSetAsideIsInTheWay() throws IOException {
        compared(8, "");
        migrate("switch", "--to", "ledger");
        String missed = folder.resolve("missed.tsv").toString();
        Ended none = migrate("retire", "--missed", missed);
        assertEquals(1, none.code());
        assertTrue(none.err().contains("no DualWrite has ever kept"), none::err);

        Files.createFile(folder.resolve("missed.tsv.lock"));
        for (String aside : List.of(".too-old", ".unreadable")) {
            Path file = Files.writeString(folder.resolve("missed.tsv" + aside), "something\n");
            Ended early = migrate("retire", "--missed", missed);
            assertTrue(early.code() == 3 && early.out().contains(aside + " holds mutations that were not sent again"), early::out);
            Files.delete(file);
        }
        assertEquals(0, migrate("retire", "--missed", missed).code());
    }

    @Test
    void theJobIsRetiredWhenEverythingIsSwitchedAndTheComparisonHolds() throws IOException {
        compared(8, "");
        Path missed = Files.writeString(folder.resolve("missed.tsv"), "something\n");
        Ended early = migrate("retire", "--missed", missed.toString());
        assertEquals(3, early.code());
        assertTrue(early.out().contains("does not decide everything") && early.out().contains("missed.tsv holds mutations"), early::out);

        migrate("switch", "--channel", "web", "--to", "ledger");
        assertEquals(3, migrate("retire").code());
        migrate("switch", "--to", "ledger");
        Files.writeString(missed, "");
        Ended retired = migrate("retire", "--missed", missed.toString());
        assertEquals(0, retired.code(), retired::err);
        assertTrue(retired.out().contains("1. the cron job that makes stock.csv") && retired.out().contains("./stockledger audit"), retired::out);

        migrate("switch", "--prefix", "A", "--back");
        assertEquals(3, migrate("retire").code());
    }
}
