package io.stockledger.loadtest.workload;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.LeftOut;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.Mutation;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * A real shop's log of sales and returns at full speed: its own mix of hot and cold SKUs, its own quantities, in its
 * own order; from the start again where it ends.
 */
public final class RealLog implements Workload {
    private static final int IN_FLIGHT = 4_096;

    private record Line(String sku, String channel, long quantity) {}

    @Override
    public String name() {
        return "real-log";
    }

    @Override
    public String group() {
        return "mix";
    }

    @Override
    public String about() {
        return "the lines of --log FILE at full speed, single mutations through the SDK, 4,096 in flight";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.log().isEmpty() ? 0 : settings.seconds(1) + 2;
    }

    @Override
    public void run(Ground ground) throws Exception {
        Path file = ground.settings().log().orElseThrow(() -> new LeftOut("needs --log FILE, a shop's log of sales and returns"));
        String prefix = ground.fresh("L") + "/";
        List<Line> lines = read(file, prefix);
        Set<String> skus = new LinkedHashSet<>();
        lines.forEach(line -> skus.add(line.sku()));
        if (lines.isEmpty()) {
            throw new LeftOut("there is no sale and no return in " + file);
        }
        new Sales(ground.fresh("log")).stockUp(ground.channel(0), List.copyOf(skus));
        AtomicInteger next = new AtomicInteger();
        LedgerClient client = ground.client();
        ground.add(Figure.of("real-log", String.format(java.util.Locale.ROOT, "a real log (%,d lines, %,d SKUs), SDK, 4,096 in flight", lines.size(), skus.size()),
                ground.peak("real-log", HotSdk.submit(client, IN_FLIGHT, () ->
                        mutation(lines.get(Math.floorMod(next.getAndIncrement(), lines.size()))))).rounds(), "mutations/s")
                .goal(Goal.shownBest("row-lock-zipf")));
    }

    private static Mutation mutation(Line line) {
        return (line.quantity() > 0 ? Mutations.sell(line.sku(), line.quantity()) : Mutations.returned(line.sku(), -line.quantity()))
                .setChannel(line.channel()).build();
    }

    /** Lines that are neither a sale nor a return are passed over: `stockledger replay` is who tells them. */
    private static List<Line> read(Path file, String prefix) throws IOException {
        List<Line> lines = new ArrayList<>();
        CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
        try (Reader reader = new InputStreamReader(open(file), StandardCharsets.UTF_8); CSVParser records = format.parse(reader)) {
            for (String column : List.of("sku", "quantity", "channel")) {
                if (!records.getHeaderNames().contains(column)) {
                    throw new LeftOut(file + " has no column " + column);
                }
            }
            for (CSVRecord record : records) {
                try {
                    long quantity = Long.parseLong(record.get("quantity"));
                    if (quantity != 0) {
                        lines.add(new Line(prefix + record.get("sku"), record.get("channel"), quantity));
                    }
                } catch (IllegalArgumentException malformed) {
                    // As said above.
                }
            }
        }
        return lines;
    }

    private static InputStream open(Path file) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file));
        in.mark(2);
        boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
        in.reset();
        return gzip ? new GZIPInputStream(in) : in;
    }
}
