package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command line says before any ledger is asked. */
class UsageTest {
    private record Ended(int code, String out, String err) {
    }

    @Test
    void helpNamesEveryVerbAndTeachesTheFirstSteps() {
        Ended help = run("--help");
        assertEquals(0, help.code());
        for (String verb : MutationVerbs.NAMES) {
            assertTrue(help.out().contains("\n  " + verb + " "), verb);
        }
        assertTrue(help.out().contains("stockledger receive MUG 6"));
        assertEquals(help.out(), run().out());
        assertEquals("", help.err());
    }

    @ParameterizedTest
    @MethodSource("mutationVerbs")
    void everyMutationVerbSaysWhatItMovesAndGivesAnExample(String verb) {
        Ended help = run(verb, "--help");
        assertEquals(0, help.code());
        assertTrue(help.out().contains("Moves: ") || help.out().contains("Moves nothing."), help::out);
        assertTrue(help.out().contains("Example:\n  stockledger " + verb + " MUG"), help::out);
    }

    static List<String> mutationVerbs() {
        return MutationVerbs.NAMES;
    }

    @ParameterizedTest
    @ValueSource(strings = {"stok MUG", "receive", "receive MUG", "receive MUG six", "receive MUG 6 7", "receive MUG 99999999999999999999",
        "set-aside MUG 1", "set-aside MUG 1 --reason because", "set-aside MUG 1 --reason unspecified", "reserve MUG 1 --ttl soon",
        "sell MUG 1 --occurred-at yesterday", "receive MUG 6 --nonsense", "adjust MUG -1", "stock", "entries MUG --limit x", "watch --kind nothing", "subscriptions rewind erp",
        "subscriptions show", "watch --name=", "watch --name erp --consumer=", "receive MUG 6 --location=", "sell MUG 1 --channel="})
    void badUsageIsOneLineAndExitCode1(String line) {
        assertError(run(line.split(" ")));
    }

    @Test
    void aMisspelledVerbGetsASuggestion() {
        assertTrue(run("recieve", "MUG", "6").err().contains("receive"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"receive MUG 6", "adjust MUG -1 --reason shrinkage", "stock MUG", "stock MUG --json", "entries MUG",
        "reservation MUG x", "mutation MUG x", "audit MUG", "audit", "watch", "demo"})
    void whereNoLedgerAnswersOneLineSaysSoAndHowToStartOne(String line) throws Exception {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        Ended ended = run((line + " --target 127.0.0.1:" + free).split(" "));
        assertError(ended);
        assertEquals("stockledger: no ledger answers at 127.0.0.1:" + free
                + "; start one with './stockledger serve', or name another with --target HOST:PORT\n", ended.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "127.0.0.1", "127.0.0.1:99999", ":7400", "http://127.0.0.1:7400", "127.0.0.1:7400/x"})
    void aTargetThatIsNoneIsTold(String target) {
        Ended ended = run("stock", "MUG", "--target", target);
        assertError(ended);
        assertTrue(ended.err().contains("HOST:PORT"), ended::err);
    }

    @ParameterizedTest
    @ValueSource(strings = {"receive MUG 6 --id=", "count MUG 1 --at-sequence 1 --at-time 2026-01-01T00:00:00Z", "entries MUG --limit 0",
        "watch --from !!", "watch --from 2026-11-27", "watch --name erp --limit 1", "watch --consumer one", "watch --share 1-3", "watch --limit 0", "replay /nowhere/at-all.csv", "replay x.csv --opening -1",
        "replay x.csv --stock-out /nowhere/at/all", "audit MUG --after PEN", "audit MUG --heads x.csv",
        "audit --heads /nowhere/at-all.csv", "audit MUG --export-heads x.csv", "demo --units 0", "stock MUG --timeout 0s"})
    void whatCannotBeMeantIsOneLineAndExitCode1(String line) {
        assertError(run(line.split(" ")));
    }

    @Test
    void anEmptyNameIsNoName() {
        for (String verb : List.of("show", "delete", "parked")) {
            Ended ended = run("subscriptions", verb, "");
            assertError(ended);
            assertTrue(ended.err().contains("it is empty: give a name"), ended::err);
        }
        assertTrue(run("watch", "--name", "").err().contains("'--name'"), "which one");
    }

    @Test
    void aDateWithoutATimeIsToldHowToBeWritten() {
        for (String line : List.of("entries MUG --from 2026-11-27", "stock MUG --at 2026-11-27", "sell MUG 1 --occurred-at 2026-11-27")) {
            Ended ended = run(line.split(" "));
            assertError(ended);
            assertTrue(ended.err().contains("'2026-11-27' is a date without a time; write 2026-11-27T00:00:00Z"), ended::err);
        }
    }

    @Test
    void noExportIsBegunBeforeALedgerAnswersAndOneWithoutHeadsIsNoEvidence(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("heads.csv");
        for (String verb : List.of("audit", "watch")) {
            Ended none = run(verb, "--export-heads", file.toString(), "--target", "127.0.0.1:1");
            assertError(none);
            assertTrue(none.err().contains("no ledger answers"), none::err);
            assertFalse(Files.exists(file));
            Files.writeString(file, "sku,row,sequence,sha256\r\n");
            assertTrue(run(verb, "--export-heads", file.toString(), "--target", "127.0.0.1:1").err().contains("no ledger answers"), verb);
            Files.writeString(file, "sku,row,sequence,sha256\r\nM");
            Ended evidence = run(verb, "--export-heads", file.toString(), "--target", "127.0.0.1:1");
            assertError(evidence);
            assertTrue(evidence.err().contains("evidence"), evidence::err);
            Files.delete(file);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"explain MUG --html", "audit --export-heads", "watch --export-heads"})
    void aFolderThatIsNotThereIsNamed(String line, @TempDir Path folder) {
        Ended ended = run((line + " " + folder.resolve("none/x")).split(" "));
        assertError(ended);
        assertTrue(ended.err().contains("there is no folder " + folder.resolve("none")), ended::err);
    }

    private static void assertError(Ended ended) {
        assertEquals(1, ended.code(), ended::err);
        assertEquals("", ended.out());
        assertTrue(ended.err().startsWith("stockledger: "), ended::err);
        assertEquals(1, ended.err().lines().count(), ended::err);
    }

    private static Ended run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Stockledger.run(args, new PrintWriter(out), new PrintWriter(err));
        return new Ended(code, out.toString(), err.toString());
    }
}
