package io.stockledger.cli.migrate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.stockledger.cli.Failure;
import io.stockledger.client.FeedProgress;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What counts as drift, how long it lasted, and what a quiet comparison is worth. */
class ComparisonTest {
    private static final Duration LAG = Duration.ofMinutes(15);
    private static final Instant START = Instant.parse("2026-11-20T00:00:00Z");
    private static final OldStock.Place MUG = new OldStock.Place("MUG", "main");
    private static final OldStock.Place PEN = new OldStock.Place("PEN", "shop");

    private final AtomicLong nanos = new AtomicLong();
    private final LedgerSide ledger = new LedgerSide(Figure.ON_HAND, LAG, nanos::get);
    private final Comparison comparison = new Comparison(ledger, false);
    private final Story story = new Story();
    private final List<Observation> all = new ArrayList<>();

    @TempDir
    private Path folder;

    ComparisonTest() {
        keep(List.of(new Observation.Begun(START, "stock.csv", "on-hand", LAG.toSeconds(), false)));
        says(MUG, 10);
        says(PEN, 5);
    }

    private void says(OldStock.Place place, long units) {
        LocationBalance balance = LocationBalance.newBuilder().setLocation(place.location()).setAvailable(units).build();
        ledger.onEntries(List.of(Entry.newBuilder().setSku(place.sku()).addBalances(balance).build()),
                new FeedProgress(ByteString.EMPTY, START, Optional.empty()));
    }

    private static OldStock stock(String described, List<OldStock.Row> rows) {
        return new OldStock(described, rows, Optional.empty());
    }

    private void keep(List<Observation> seen) {
        seen.forEach(story::add);
        all.addAll(seen);
    }

    private Observation.Looked look(long mug, long pen) {
        List<Observation> seen = comparison.look(now(), stock("stock.csv", List.of(new OldStock.Row(2, MUG, mug), new OldStock.Row(3, PEN, pen))));
        keep(seen);
        return (Observation.Looked) seen.get(seen.size() - 1);
    }

    private Story.Trust trust(String prefix) {
        return story.trust(prefix, Duration.ofDays(7));
    }

    private String trusted(String prefix) {
        Story.Trust trust = trust(prefix);
        return Durations.shown(trust.clean()) + ", " + trust.beyond() + " beyond, " + trust.open() + " open";
    }

    private Instant now() {
        return START.plusNanos(nanos.get());
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    @Test
    void aCopyIsRightWhileTheLedgerSaidSoWithinTheLagAndDriftsAfterIt() {
        says(MUG, 9);
        says(MUG, 7);
        assertEquals(1, look(9, 5).behind());
        pass(LAG);
        assertEquals(0, look(9, 5).drifting());
        pass(Duration.ofSeconds(1));
        assertEquals(1, look(9, 5).drifting());
        assertEquals(List.of(new Drift.Point(now(), 9, 7)), story.open().get(0).points());
    }

    @Test
    void whatTheLedgerNeverSaidDriftsAtOnceAndOnlyChangesAreTold() {
        assertEquals(2, look(12, 5).units());
        int told = all.size();
        pass(Duration.ofMinutes(1));
        look(12, 5);
        assertEquals(told + 1, all.size());
        look(13, 5);
        pass(Duration.ofMinutes(1));
        look(10, 5);
        Drift drift = story.ended().get(0);
        assertEquals(Duration.ofMinutes(2), drift.lasted(now()));
        assertEquals(-3, drift.worst());
        assertEquals(0, story.open().size());
    }

    @Test
    void trustIsTheTimeLookedAtSinceTheLastDriftThatTheLagDoesNotExplain() {
        for (int minute = 0; minute < 60; minute++) {
            // Off for 20 minutes from the tenth on, and for 2 from the fortieth.
            look(minute >= 10 && minute < 30 || minute >= 40 && minute < 42 ? 3 : 10, 5);
            pass(Duration.ofMinutes(1));
        }
        assertEquals("29 min 0 s, 1 beyond, 0 open", trusted(""));
        assertEquals("59 min 0 s, 0 beyond, 0 open", trusted("PEN"));
    }

    @Test
    void timeThatNobodyLookedCountsForNothing() {
        look(10, 5);
        pass(Duration.ofMinutes(10));
        look(10, 5);
        pass(Duration.ofDays(7));
        look(10, 5);
        pass(Duration.ofMinutes(10));
        look(10, 5);
        assertEquals(Duration.ofMinutes(20), trust("").clean());
        assertEquals(1, story.gaps().size());
    }

    @Test
    void aDriftThatLastsNowLeavesNoTrustOnceItIsLongerThanTheLag() {
        look(3, 5);
        pass(Duration.ofMinutes(14));
        assertEquals(1, look(3, 5).drifting());
        assertEquals("14 min 0 s, 0 beyond, 1 open", trusted(""));
        pass(Duration.ofMinutes(2));
        look(3, 5);
        assertEquals("0 s, 1 beyond, 1 open", trusted(""));
    }

    @Test
    void theFileTellsTheSameStoryAgainAndHalfALineIsNone() throws IOException {
        look(3, 5);
        pass(Duration.ofMinutes(1));
        look(10, 4);
        Path file = folder.resolve("observations.jsonl");
        try (Observations observations = Observations.open(file)) {
            observations.append(all);
        }
        Files.writeString(file, "{\"at\":\"2026-11", StandardOpenOption.APPEND);
        assertEquals(all, Observations.read(file));
        try (Observations observations = Observations.open(file)) {
            observations.append(List.of(new Observation.NotLooked(now(), "the file is half written")));
        }
        assertEquals(all.size() + 1, Observations.read(file).size());
        Files.writeString(file, "nonsense\n", StandardOpenOption.APPEND);
        assertTrue(assertThrows(Failure.class, () -> Observations.read(file)).getMessage().contains("line " + (all.size() + 2) + " is no observation"));

        Comparison next = new Comparison(ledger, false);
        next.resume(story);
        assertEquals(new Observation.Settled(now(), PEN), next.look(now(), stock("", List.of(new OldStock.Row(2, PEN, 5)))).get(0));
    }

    @Test
    void aFeedThatIsSilentOrBehindIsNotComparedWith() {
        FeedProgress progress = new FeedProgress(ByteString.EMPTY, START, Optional.empty());
        assertFalse(ledger.isFresh());
        ledger.onCaughtUp(progress);
        assertTrue(ledger.isFresh());
        pass(Duration.ofSeconds(6));
        assertFalse(ledger.isFresh());
        ledger.onHeartbeat(progress);
        assertTrue(ledger.isFresh());
        ledger.onFallenBehind();
        assertFalse(ledger.isFresh());
    }

    @Test
    void stockToldAnewAfterABreakKeepsWhatWasSaidBefore() {
        ledger.onStockBegins();
        ledger.onStock(List.of(Stock.newBuilder().setSku("MUG").addBalances(LocationBalance.newBuilder().setLocation("main").setAvailable(1)
                .setReserved(2).setCommitted(3).setUnavailable(4).setIncoming(50)).build()));
        assertEquals(10, ledger.value(MUG));
        ledger.onStock(List.of(Stock.newBuilder().setSku("MUG").addBalances(LocationBalance.newBuilder().setLocation("main").setAvailable(1)).build()));
        ledger.onStockComplete(new FeedProgress(ByteString.EMPTY, START, Optional.empty()));
        assertEquals(1, ledger.value(MUG));
        assertTrue(ledger.said(MUG, 10));
    }

    @Test
    void whatTheLedgerHadBeforeTheFirstLookIsNotTakenForNoStock() {
        LedgerSide fresh = new LedgerSide(Figure.ON_HAND, LAG, nanos::get);
        fresh.onStockBegins();
        fresh.onStock(List.of(Stock.newBuilder().setSku("MUG").addBalances(LocationBalance.newBuilder().setLocation("main").setAvailable(10)).build()));
        fresh.onStockComplete(new FeedProgress(ByteString.EMPTY, START, Optional.empty()));
        List<Observation> seen = new Comparison(fresh, false).look(now(), stock("", List.of(new OldStock.Row(2, MUG, 0))));
        assertEquals(new Observation.Drifting(now(), MUG, 0, 10), seen.get(0));
    }

    @Test
    void aPlaceThatTheOldSystemNoLongerNamesHasNoUnitsThere() {
        // That the ledger had none before its first entry explains nothing any more.
        pass(LAG.plusSeconds(1));
        look(10, 4);
        List<Observation> seen = comparison.look(now(), stock("", List.of(new OldStock.Row(2, MUG, 10))));
        assertEquals(new Observation.Drifting(now(), PEN, 0, 5), seen.get(0));
        says(PEN, 0);
        assertEquals(new Observation.Settled(now(), PEN), comparison.look(now(), stock("", List.of(new OldStock.Row(2, MUG, 10)))).get(0));
    }

    @Test
    void whoGoesOnWithAComparisonKnowsOfEveryPlaceThatWasEverNamed() throws IOException {
        Comparison partial = new Comparison(ledger, true);
        pass(LAG.plusSeconds(1));
        keep(partial.look(now(), stock("", List.of(new OldStock.Row(2, MUG, 10), new OldStock.Row(3, PEN, 5)))));
        Path file = folder.resolve("observations.jsonl");
        try (Observations observations = Observations.open(file)) {
            observations.append(all);
        }
        Comparison next = new Comparison(ledger, true);
        next.resume(Story.of(Observations.read(file)));
        List<Observation> seen = next.look(now(), stock("", List.of(new OldStock.Row(2, MUG, 10))));
        assertEquals(List.of(new Observation.Drifting(now(), PEN, 0, 5), new Observation.Looked(now(), 2, 0, 1, 5)), seen);
    }

    @Test
    void manyPlacesAreNamedInLinesThatCanBeReadEachOnceAndBeforeTheLook() throws IOException {
        List<OldStock.Row> rows = new ArrayList<>();
        for (int i = 0; i < 2_500; i++) {
            rows.add(new OldStock.Row(i + 2, new OldStock.Place("N-" + i, "main"), 0));
        }
        Comparison many = new Comparison(ledger, true);
        List<Observation> seen = many.look(now(), stock("", rows));
        assertEquals(4, seen.size());
        assertEquals(2_500, Story.of(seen.subList(0, 3)).named().size());
        assertEquals(1, many.look(now(), stock("", rows)).size());
    }

    @Test
    void whatOnlyTheLedgerHasDriftsUnlessTheSourceIsAPart() {
        OldStock mugs = stock("", List.of(new OldStock.Row(2, MUG, 10)));
        // The ledger had none before: a copy that is as old as the lag is right.
        assertEquals(0, ((Observation.Looked) comparison.look(now(), mugs).get(1)).drifting());
        pass(LAG.plusSeconds(1));
        assertEquals(new Observation.Drifting(now(), PEN, 0, 5), comparison.look(now(), mugs).get(0));
        List<Observation> partial = new Comparison(ledger, true).look(now(), mugs);
        assertEquals(new Observation.Looked(now(), 1, 0, 0, 0), partial.get(partial.size() - 1));
    }

    @Test
    void aPlaceThatIsOftenWrongForLessThanTheLagEarnsNoTrust() {
        pass(LAG.plusSeconds(1));
        for (int minute = 0; minute < 8 * 24 * 60; minute++) {
            // The mug is wrong fourteen minutes of each fifteen, the pen one of each hour.
            look(minute % 15 < 14 ? 3 : 10, minute % 60 == 7 ? 4 : 5);
            pass(Duration.ofMinutes(1));
        }
        look(10, 5);
        Duration week = Duration.ofDays(7);
        assertEquals("8 d 0 h, 0 beyond, 0 open", trusted("MUG"));
        assertFalse(trust("MUG").holdsFor(week));
        assertFalse(trust("").holdsFor(week));
        assertTrue(trust("PEN").holdsFor(week));
        assertTrue(Report.sentence(story).contains("MUG the longest, for 93.3 % of the time (up to 5.0 % is trusted)"), Report.sentence(story));
        // Once it has been right for as long as is asked for, the past is over.
        for (int hour = 0; hour < 7 * 24 * 6; hour++) {
            pass(Duration.ofMinutes(10));
            look(10, 5);
        }
        assertTrue(trust("MUG").holdsFor(week));
    }

    @Test
    void trustOfAPartBeginsWithItsFirstComparison() {
        look(10, 5);
        pass(Duration.ofMinutes(10));
        OldStock.Place bowl = new OldStock.Place("BOWL", "main");
        OldStock withBowl = stock("", List.of(new OldStock.Row(2, MUG, 10), new OldStock.Row(3, PEN, 5), new OldStock.Row(4, bowl, 0)));
        keep(comparison.look(now(), withBowl));
        pass(Duration.ofMinutes(2));
        keep(comparison.look(now(), withBowl));
        assertEquals(Duration.ofMinutes(2), trust("BOWL").clean());
        assertEquals(Duration.ofMinutes(12), trust("").clean());
        assertFalse(trust("BOW-L").compared());
    }

    @Test
    void timeThatNobodyCouldLookCountsForNothingHoweverShort() {
        look(10, 5);
        pass(Duration.ofMinutes(4));
        keep(List.of(new Observation.NotLooked(now(), "the ledger's feed is away")));
        pass(Duration.ofMinutes(5));
        look(10, 5);
        pass(Duration.ofMinutes(2));
        look(10, 5);
        pass(Duration.ofMinutes(3));
        keep(List.of(new Observation.Begun(now(), "stock.csv", "on-hand", LAG.toSeconds(), false)));
        look(10, 5);
        pass(Duration.ofMinutes(1));
        look(10, 5);
        assertEquals(Duration.ofMinutes(7), trust("").clean());
    }

    @Test
    void thePageSaysWhatToRelyOnAndEscapesNames() throws IOException {
        OldStock.Place odd = new OldStock.Place("<b>&\"", "main");
        keep(comparison.look(now(), stock("stock.csv", List.of(new OldStock.Row(2, odd, 3)))));
        pass(Duration.ofMinutes(16));
        keep(comparison.look(now(), stock("stock.csv", List.of(new OldStock.Row(2, odd, 3)))));
        Path page = folder.resolve("drift.html");
        DriftPage.write(page, story);
        String html = Files.readString(page);
        assertTrue(html.contains("It drifts now by more than the cron's own lag (15 min 0 s) explains"), html);
        assertTrue(html.contains("&lt;b&gt;&amp;&quot;") && !html.contains("<b>&"), html);
        assertFalse(html.contains("http"), "the page needs no network");
    }
}
