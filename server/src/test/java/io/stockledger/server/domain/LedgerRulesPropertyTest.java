package io.stockledger.server.domain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsReport;
import net.jqwik.api.statistics.StatisticsReport.StatisticsReportMode;

/**
 * Random mutations, all verbs, held against {@link NaiveLedger} and against what must be true of any ledger, after
 * each step. Few locations, channels, references and units, so that mutations get in each other's way.
 */
class LedgerRulesPropertyTest {
    private static final int IDS_KEPT = 12;
    private static final Limits TIGHT = new Limits(3, 3, 2, 2);
    private static final List<String> LOCATIONS = List.of("main", "Köln / 2", "store|7", "outlet");
    private static final List<String> CHANNELS = List.of("", "web", "till", "market");
    private static final List<String> REFERENCES = List.of("PO-1", "PO-2", "order 3");

    /** One random step; the numbers get their meaning from the verb, in {@link Run#mutation}. */
    record Step(EntryKind verb, int place, int channel, int reference, int units, int pick, int variant, int passMs) {}

    @Property(tries = 700, edgeCases = EdgeCasesMode.NONE)
    @StatisticsReport(label = "accepted", value = StatisticsReportMode.OFF)
    @StatisticsReport(label = "refused", value = StatisticsReportMode.OFF)
    void rulesAgreeWithTheNaiveLedgerAndEveryInvariantHoldsAfterEachStep(
            @ForAll("steps") List<Step> steps, @ForAll boolean tight) {
        Run run = new Run(tight ? TIGHT : Limits.DEFAULT, 1);
        steps.forEach(run::step);
        // Otherwise the generator may come to miss a rule without anybody noticing.
        for (EntryKind kind : EntryKind.values()) {
            Statistics.label("accepted").coverage(coverage -> coverage.check(kind).count(count -> count > 0));
        }
        for (Refusal.Reason reason : Refusal.Reason.values()) {
            if (reason != Refusal.Reason.BALANCE_LIMIT) {
                Statistics.label("refused").coverage(coverage -> coverage.check(reason).count(count -> count > 0));
            }
        }
    }

    @Property(tries = 200, edgeCases = EdgeCasesMode.NONE)
    @StatisticsReport(label = "accepted", value = StatisticsReportMode.OFF)
    @StatisticsReport(label = "refused", value = StatisticsReportMode.OFF)
    void nearTheBalanceLimitNothingOverflows(@ForAll("steps") List<Step> steps) {
        Run run = new Run(Limits.DEFAULT, Limits.BALANCE_MAX / 10 * 3);
        steps.forEach(run::step);
        Statistics.label("refused").coverage(coverage ->
                coverage.check(Refusal.Reason.BALANCE_LIMIT).count(count -> count > 0));
    }

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<EntryKind> verbs = Arbitraries.frequency(
                Tuple.of(8, EntryKind.RECEIVE), Tuple.of(12, EntryKind.RESERVE), Tuple.of(6, EntryKind.COMMIT),
                Tuple.of(3, EntryKind.RELEASE), Tuple.of(2, EntryKind.EXTEND), Tuple.of(5, EntryKind.FULFILL),
                Tuple.of(3, EntryKind.CANCEL_COMMITTED), Tuple.of(5, EntryKind.SELL), Tuple.of(2, EntryKind.RETURN),
                Tuple.of(3, EntryKind.EXPECT), Tuple.of(2, EntryKind.CANCEL_EXPECTED), Tuple.of(2, EntryKind.SET_ASIDE),
                Tuple.of(2, EntryKind.PUT_BACK), Tuple.of(3, EntryKind.SHIP_TRANSFER),
                Tuple.of(3, EntryKind.RECEIVE_TRANSFER), Tuple.of(2, EntryKind.ADJUST), Tuple.of(3, EntryKind.COUNT),
                Tuple.of(1, EntryKind.SET_SAFETY_STOCK), Tuple.of(4, EntryKind.SET_CHANNEL_ALLOCATION));
        Arbitrary<Integer> places = Arbitraries.frequency(
                Tuple.of(12, 0), Tuple.of(3, 1), Tuple.of(1, 2), Tuple.of(1, 3));
        // Times to live are multiples of 500 ms: expiries are met before, at and after their instant.
        Arbitrary<Integer> passing = Arbitraries.frequency(
                Tuple.of(20, 0), Tuple.of(3, 1), Tuple.of(5, 500), Tuple.of(2, 1_000), Tuple.of(1, 5_000),
                Tuple.of(1, -700));
        Arbitrary<Integer> picks = Arbitraries.frequency(
                Tuple.of(6, 0), Tuple.of(4, 1), Tuple.of(2, 2), Tuple.of(1, 3), Tuple.of(1, 4), Tuple.of(1, 5),
                Tuple.of(1, 6));
        return Combinators.combine(verbs, places, Arbitraries.integers().between(0, 3),
                        Arbitraries.integers().between(0, 2), Arbitraries.integers().between(0, 6), picks,
                        Arbitraries.integers().between(0, 23).withDistribution(RandomDistribution.uniform()), passing)
                .as(Step::new).list().ofMinSize(1).ofMaxSize(70).withSizeDistribution(RandomDistribution.uniform());
    }

    /** One random sequence: the rules and the naive ledger side by side. */
    private static final class Run {
        private final OneSku sku;
        private final NaiveLedger naive;
        /** What one unit of a step stands for. */
        private final long unit;
        private final Map<String, Map<Bucket, Long>> moved = new HashMap<>();
        private int entriesSeen;
        private int asked;

        Run(Limits limits, long unit) {
            this.sku = new OneSku(limits, IDS_KEPT);
            this.naive = new NaiveLedger(limits, () -> sku.stock.appliedIds().newestCount());
            this.unit = unit;
        }

        void step(Step step) {
            sku.nowMs += step.passMs();
            Mutation mutation = mutation(step);

            sku.expireOverdue();
            naive.expireOverdue(sku.nowMs);
            checkStock();

            OneSku.Shown before = OneSku.Shown.of(sku.stock);
            Decision decision = sku.apply(mutation);
            Optional<Refusal> refusal = naive.apply(mutation, sku.nowMs);
            if (decision instanceof Refusal refused) {
                Statistics.label("refused").collect(refused.reason());
                assertEquals(refusal, Optional.of(refused), "refusal of " + mutation);
                assertEquals(before, OneSku.Shown.of(sku.stock), "a refusal changes nothing");
            } else {
                assertEquals(refusal, Optional.empty(), "accepted " + mutation);
                checkTold((Entry) decision, mutation);
                checkStock();
            }
        }

        /** What an entry tells of the mutation that it was written for. */
        private void checkTold(Entry entry, Mutation mutation) {
            assertEquals(mutation.mutationId(), entry.mutationId());
            assertEquals(mutation.contentFingerprint(), entry.contentFingerprint());
            assertEquals(mutation.createdAtMs(), entry.createdAtMs());
            assertEquals(mutation.principal(), entry.principal());
            assertEquals(mutation.occurredAtMs() == 0 ? entry.recordedAtMs() : mutation.occurredAtMs(),
                    entry.occurredAtMs());
            Operation operation = mutation.operation();
            assertEquals(operation instanceof Operation.Return back ? back.reason()
                    : operation instanceof Operation.SetAside aside ? aside.reason()
                    : operation instanceof Operation.PutBack back ? back.reason()
                    : UnavailableReason.NONE, entry.unavailableReason());
            assertEquals(operation instanceof Operation.Adjust adjust ? adjust.reason() : AdjustReason.NONE,
                    entry.adjustReason());
        }

        private void checkStock() {
            for (; entriesSeen < sku.entries.size(); entriesSeen++) {
                Statistics.label("accepted").collect(sku.entries.get(entriesSeen).kind());
                checkEntry(entriesSeen);
            }
            assertEquals(naive.lines.size(), sku.entries.size());
            assertEquals(naive.lines.size(), sku.stock.sequence());
            assertEquals(naive.locations().size(), sku.stock.locationCount());
            assertEquals(0, moved.values().stream().flatMap(buckets -> buckets.values().stream())
                    .mapToLong(Long::longValue).sum(), "the sum over all buckets is zero");
            naive.locations().forEach(this::checkLocation);
            checkReservations();
            checkIncoming();
            checkReplay();
        }

        private void checkEntry(int index) {
            Entry entry = sku.entries.get(index);
            NaiveLedger.Line line = naive.lines.get(index);
            assertEquals(index + 1, entry.sequence(), "sequences have no gap");
            assertEquals(line.kind(), entry.kind());
            assertEquals(line.mutationId(), entry.mutationId());
            assertEquals(line.location(), entry.location());
            assertEquals(line.channel(), entry.channel());
            assertEquals(line.reference(), entry.reference());
            assertEquals(line.reservationId(), entry.reservationId());
            assertEquals(line.expiresAtMs(), entry.expiresAtMs());
            assertEquals(line.atMs(), entry.recordedAtMs());
            assertTrue(index == 0 || sku.entries.get(index - 1).recordedAtMs() <= entry.recordedAtMs(),
                    "recorded times never go backwards");
            assertEquals(line.move().map(move -> List.of(new Movement(move.from().bucket(), move.to().bucket(),
                    move.units(), move.from().location(), move.to().location()))).orElse(List.of()),
                    entry.movements());
            for (Movement movement : entry.movements()) {
                move(movement.location(), movement.from(), -movement.quantity());
                move(movement.toLocation(), movement.to(), movement.quantity());
            }
            for (Balance balance : entry.balances()) {
                long before = availableBefore(index, balance.location());
                if (balance.available() < 0) {
                    assertTrue(entry.belowZero(), "an entry says that AVAILABLE stands below zero");
                }
                if (balance.available() < Math.min(0, before)) {
                    assertTrue(entry.kind() == EntryKind.COUNT || isSaleThatHappened(line),
                            entry.kind() + " may not drive AVAILABLE below zero");
                }
            }
        }

        private void move(String location, Bucket bucket, long quantity) {
            moved.computeIfAbsent(location, name -> new EnumMap<>(Bucket.class)).merge(bucket, quantity, Long::sum);
        }

        private long availableBefore(int index, String location) {
            for (int i = index - 1; i >= 0; i--) {
                for (Balance balance : sku.entries.get(i).balances()) {
                    if (balance.location().equals(location)) {
                        return balance.available();
                    }
                }
            }
            return 0;
        }

        private static boolean isSaleThatHappened(NaiveLedger.Line line) {
            return line.operation().orElseThrow() instanceof Operation.Sell sell && sell.alreadyHappened();
        }

        /** The stock's balance, that of the newest entry there, the movements' sums and the naive ledger are one. */
        private void checkLocation(String location) {
            Balance balance = sku.stock.balance(location);
            assertEquals(newestBalance(location), balance);
            for (Bucket bucket : Bucket.values()) {
                long sum = moved.getOrDefault(location, Map.of()).getOrDefault(bucket, 0L);
                assertEquals(naive.units(location, bucket), sum, location + " " + bucket);
                long told = switch (bucket) {
                    case AVAILABLE -> balance.available();
                    case RESERVED -> balance.reserved();
                    case COMMITTED -> balance.committed();
                    case UNAVAILABLE -> balance.unavailable();
                    case INCOMING -> balance.incoming();
                    case SUPPLIER, CUSTOMER, SHRINKAGE -> sum;
                };
                assertEquals(sum, told, location + " " + bucket);
                if (bucket != Bucket.AVAILABLE && NaiveLedger.isOurs(bucket)) {
                    assertTrue(told >= 0, bucket + " is never below zero");
                }
            }
            for (UnavailableReason reason : List.of(UnavailableReason.DAMAGED, UnavailableReason.QUALITY_CONTROL,
                    UnavailableReason.OTHER)) {
                long part = naive.units(new NaiveLedger.Pot(location, Bucket.UNAVAILABLE, reason.name()));
                assertEquals(part, balance.unavailable(reason));
                assertTrue(part >= 0, reason + " is never below zero");
            }
            assertEquals(naive.onHand(location, naive.lines.size()), balance.onHand());
            assertEquals(naive.safetyStock(location), balance.safetyStock());
            assertEquals(List.copyOf(naive.allocatedChannels(location)),
                    balance.allocations().stream().map(Allocation::channel).toList());
            for (Allocation allocation : balance.allocations()) {
                String channel = allocation.channel();
                assertEquals(new Allocation(channel, naive.share(location, channel).guaranteed(),
                        naive.share(location, channel).maximum(), naive.used(location, channel),
                        naive.allocation(location, channel).orElseThrow().sequence()), allocation);
            }
            for (String channel : CHANNELS) {
                assertEquals(naive.availableToSell(location, channel), balance.availableToSell(channel),
                        "available to sell on '" + channel + "' at " + location);
            }
        }

        private Balance newestBalance(String location) {
            for (int i = sku.entries.size() - 1; i >= 0; i--) {
                for (Balance balance : sku.entries.get(i).balances()) {
                    if (balance.location().equals(location)) {
                        return balance;
                    }
                }
            }
            throw new AssertionError("no entry touched " + location);
        }

        private void checkReservations() {
            assertEquals(naive.open().size(), sku.stock.reservationCount());
            Map<String, Long> held = new TreeMap<>();
            Map<String, Long> committed = new TreeMap<>();
            for (Reservation reservation : sku.stock.reservations()) {
                held.merge(reservation.location(), reservation.held(), Long::sum);
                committed.merge(reservation.location(), reservation.committed(), Long::sum);
            }
            for (String location : naive.locations()) {
                assertEquals(sku.stock.balance(location).reserved(), held.getOrDefault(location, 0L),
                        "RESERVED is the sum of the holds");
                assertEquals(sku.stock.balance(location).committed(), committed.getOrDefault(location, 0L),
                        "COMMITTED is the sum of the commitments");
            }
            for (String id : naive.made()) {
                Reservation told = Reservation.from(
                        sku.entries.stream().filter(entry -> entry.reservationId().equals(id)).toList());
                assertEquals(told.quantity(), told.held() + told.committed() + told.released() + told.expired()
                        + told.fulfilled() + told.cancelled());
                assertEquals(naive.held(id), told.held());
                assertEquals(naive.committed(id), told.committed());
                assertEquals(naive.became(id, EntryKind.RELEASE), told.released());
                assertEquals(naive.became(id, EntryKind.EXPIRE), told.expired());
                assertEquals(naive.became(id, EntryKind.FULFILL), told.fulfilled());
                assertEquals(naive.became(id, EntryKind.CANCEL_COMMITTED), told.cancelled());
                assertEquals(naive.expiresAtMs(id), told.expiresAtMs());
                assertEquals(told.open() ? Optional.of(told) : Optional.empty(), sku.stock.reservation(id));
            }
            OptionalLong nextDueMs = naive.open().stream().filter(id -> naive.held(id) > 0)
                    .mapToLong(naive::expiresAtMs).min();
            assertEquals(nextDueMs.orElse(0), sku.stock.nextDueMs());
            assertFalse(nextDueMs.isPresent() && nextDueMs.getAsLong() <= sku.nowMs, "nothing overdue is left held");
        }

        private void checkIncoming() {
            Map<Stock.Incoming, Long> incoming = new HashMap<>();
            for (NaiveLedger.Pot pot : naive.incoming()) {
                incoming.put(new Stock.Incoming(pot.location(), pot.part()), naive.units(pot));
            }
            assertEquals(incoming, sku.stock.incoming());
        }

        /** The entries alone make the same stock again, and so does what a snapshot holds. */
        private void checkReplay() {
            long withId = sku.entries.stream().filter(entry -> !entry.mutationId().isEmpty()).count();
            assertTrue(sku.stock.appliedIds().newestCount() >= Math.min(IDS_KEPT, withId), "fewer ids than promised");

            Stock replayed = new Stock(OneSku.NAME, OneSku.noIds(IDS_KEPT));
            sku.entries.forEach(replayed::evolve);
            assertEquals(OneSku.Shown.of(sku.stock), OneSku.Shown.of(replayed));

            AppliedIds ids = OneSku.noIds(IDS_KEPT);
            AppliedIds before = sku.stock.appliedIds();
            ids.restoreKey(before.key());
            before.forEachPart(new AppliedIds.PartVisitor() {
                @Override
                public void older(IdsPart part) {
                    ids.restoreOlder(part.words());
                }

                @Override
                public void newest(long beforeSequence, IdsPart part, long createdAtMsMax, long recordedAtMsMax) {
                    ids.restoreNewest(beforeSequence, part.words(), createdAtMsMax, recordedAtMsMax);
                }
            });
            ids.restoreForgotten(before.forgottenSequence(), before.forgottenCreatedAtMs(),
                    before.forgottenRecordedAtMs());
            Stock restored = new Stock(OneSku.NAME, ids);
            restored.restore(sku.stock.sequence(), sku.stock.recordedAtMs(), sku.stock.balances(),
                    sku.stock.reservations(), sku.stock.incoming());
            assertEquals(OneSku.Shown.of(sku.stock), OneSku.Shown.of(restored));
            assertEquals(sku.stock.firstDue(), restored.firstDue());
        }

        private Mutation mutation(Step step) {
            Operation operation = operation(step);
            boolean on = operation instanceof Operation.OnReservation;
            int variant = step.variant();
            String channel = CHANNELS.get(operation instanceof Operation.SetChannelAllocation
                    ? Math.max(1, step.channel()) : step.channel());
            String reference = on && variant % 2 == 0 ? "" : REFERENCES.get(step.reference());
            long expected = variant == 21 ? sku.stock.sequence()
                    : variant == 22 ? Math.max(0, sku.stock.sequence() - 1) : Mutation.ANY_SEQUENCE;
            String id = "m" + ++asked;
            return new Mutation(id, OneSku.NAME, on && variant % 6 != 0 ? "" : LOCATIONS.get(step.place()), channel,
                    reference, "someone", variant % 2 == 0 ? 0 : sku.nowMs - 5, variant % 3 == 0 ? 0 : sku.nowMs - 2,
                    0, expected, AppliedIds.fingerprintWithoutKey(id + "content"), operation);
        }

        private Operation operation(Step step) {
            int variant = step.variant();
            long none = step.units() * unit;
            long some = Math.max(1, step.units()) * unit;
            OptionalLong part = step.units() == 0 ? OptionalLong.empty() : OptionalLong.of(some / 2 + some % 2);
            UnavailableReason reason = UnavailableReason.values()[variant % 3 + 1];
            long timeToLiveMs = 500L * (2 + step.pick()) * (1 + variant % 3);
            return switch (step.verb()) {
                case EXPECT -> new Operation.Expect(some);
                case CANCEL_EXPECTED -> new Operation.CancelExpected(some);
                case RECEIVE -> new Operation.Receive(variant % 3 > 0 && unit == 1 ? some * 4 : some, variant % 3 == 0);
                case RESERVE -> new Operation.Reserve(some, timeToLiveMs);
                case EXTEND -> new Operation.Extend(reservationId(step), timeToLiveMs);
                case RELEASE -> new Operation.Release(reservationId(step), part);
                case COMMIT -> new Operation.Commit(reservationId(step), part);
                case FULFILL -> new Operation.Fulfill(reservationId(step), part);
                case CANCEL_COMMITTED -> new Operation.CancelCommitted(reservationId(step), part);
                case SELL -> new Operation.Sell(some, variant % 4 == 0);
                case RETURN -> new Operation.Return(some, UnavailableReason.values()[variant % 4]);
                case SET_ASIDE -> new Operation.SetAside(some, reason);
                case PUT_BACK -> new Operation.PutBack(some, reason);
                case SHIP_TRANSFER -> new Operation.ShipTransfer(some,
                        LOCATIONS.get((step.place() + 1 + step.pick() % 2) % LOCATIONS.size()));
                case RECEIVE_TRANSFER -> new Operation.ReceiveTransfer(some);
                case ADJUST -> new Operation.Adjust(variant % 2 == 0 ? some : -some,
                        AdjustReason.values()[variant % 5 + 1]);
                case COUNT -> switch (variant % 4) {
                    case 0 -> new Operation.Count(none, 0, 0, OptionalLong.empty());
                    case 1 -> new Operation.Count(none, Math.max(1, sku.stock.sequence() - step.pick()), 0,
                            OptionalLong.empty());
                    case 2 -> new Operation.Count(none, 0, sku.nowMs - 500L * step.pick(), OptionalLong.empty());
                    default -> new Operation.Count(none, sku.stock.sequence() + step.pick() % 2, 0,
                            OptionalLong.empty());
                };
                case SET_SAFETY_STOCK -> new Operation.SetSafetyStock(none / 3);
                case SET_CHANNEL_ALLOCATION -> new Operation.SetChannelAllocation(none / 2,
                        variant % 3 == 0 ? Allocation.UNBOUNDED : none / 2 + (variant % 7) * unit);
                case EXPIRE -> throw new AssertionError("nobody asks for an expiry");
            };
        }

        /** Mostly an open reservation, newest first; or any; or an id that made none; or one that nobody used. */
        private String reservationId(Step step) {
            if (step.pick() == 6) {
                return naive.lines.isEmpty() ? "never" : naive.lines.get(naive.lines.size() - 1).mutationId();
            }
            List<String> among = step.pick() < 4 && !naive.open().isEmpty() ? naive.open() : List.copyOf(naive.made());
            return among.isEmpty() ? "never" : among.get(Math.max(0, among.size() - 1 - step.pick()));
        }
    }
}
