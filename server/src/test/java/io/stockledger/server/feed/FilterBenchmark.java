package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.server.journal.SomeEntries;
import io.stockledger.v1.EntryKind;
import java.io.IOException;
import java.io.OutputStream;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What decides for each subscriber whether a row, or an entry in it, goes to it: paid once a row and subscriber by the
 * tail, and once an entry where the filter looks into rows. Rows hold {@value #ENTRIES} entries; time is a row's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FilterBenchmark {
    private static final int ENTRIES = 100;
    private static final SortedSet<String> NO_SKUS = new TreeSet<>();

    private final GroupRow group = SomeEntries.row(SomeEntries.sales(ENTRIES));
    private final JournalRow row = new JournalRow(1, 1, SomeEntries.SKU, 1, group);
    private final Selection thousandSkus = new Selection(thousandSkus(), "", 0, 1, Set.of(), Set.of(), Set.of());
    private final Selection prefix = new Selection(NO_SKUS, "MUG", 0, 1, Set.of(), Set.of(), Set.of());
    private final Selection share = new Selection(NO_SKUS, "", 1, 3, Set.of(), Set.of(), Set.of());
    private final Selection channel = new Selection(NO_SKUS, "", 0, 1, Set.of(), Set.of("web"), Set.of());
    private final Selection location = new Selection(NO_SKUS, "", 0, 1, Set.of("berlin"), Set.of(), Set.of());
    private final Selection kind =
            new Selection(NO_SKUS, "", 0, 1, Set.of(), Set.of(), Set.of(EntryKind.ENTRY_KIND_RESERVE_VALUE));
    private final FeedMessage.Stamp stamp = new FeedMessage.Stamp(Cursor.START,
            new LedgerIdentity(new java.util.UUID(1, 2), 1), 1_700_000_000_000L, OptionalLong.of(1_700_000_000_000L), false);

    @Benchmark
    public boolean rowByThousandSkus() {
        return thousandSkus.wantsSomeOf(row);
    }

    @Benchmark
    public boolean rowByPrefix() {
        return prefix.wantsSomeOf(row);
    }

    @Benchmark
    public boolean rowByShare() {
        return share.wantsSomeOf(row);
    }

    /** Where entries begin and end, without looking into them. */
    @Benchmark
    public int walkEntries() {
        int count = 0;
        StoredEntries entries = new StoredEntries(group);
        while (entries.next()) {
            count++;
        }
        return count;
    }

    @Benchmark
    public int entriesByChannel() {
        return matches(channel);
    }

    @Benchmark
    public int entriesByLocation() {
        return matches(location);
    }

    @Benchmark
    public int entriesByKind() {
        return matches(kind);
    }

    /** A whole row as one message, as most subscribers get it. */
    @Benchmark
    public FeedMessage messageOfARow() throws IOException {
        FeedMessage.Builder builder = new FeedMessage.Builder();
        builder.add(group.bytes(), group.bodyOffset(), group.bodyOffset() + group.bodyLength());
        FeedMessage message = builder.build(stamp);
        message.writeTo(OutputStream.nullOutputStream());
        return message;
    }

    private int matches(Selection selection) {
        int count = 0;
        StoredEntries entries = new StoredEntries(group);
        while (entries.next()) {
            if (entries.matches(selection)) {
                count++;
            }
        }
        return count;
    }

    private static SortedSet<String> thousandSkus() {
        SortedSet<String> skus = new TreeSet<>();
        for (int i = 0; i < 1_000; i++) {
            skus.add("MUG-" + i);
        }
        return skus;
    }
}
