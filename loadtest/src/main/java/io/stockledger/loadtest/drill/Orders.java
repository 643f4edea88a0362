package io.stockledger.loadtest.drill;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/** A shop's log as orders, in the order of the log: lines of one number that stand together. */
record Orders(List<Order> all, TreeSet<String> skus, int lines) {
    /** @param quantity above zero: asked for; below: given back */
    record Line(String sku, long quantity) {
    }

    record Order(int number, Instant at, List<Line> lines) {
        /** Every second order comes by the other channel: the log has one shop's countries, not its channels. */
        String channel() {
            return number % 2 == 0 ? "web" : "marketplace";
        }
    }

    static Orders read(Path file) throws IOException {
        List<Order> orders = new ArrayList<>();
        TreeSet<String> skus = new TreeSet<>();
        String id = "";
        int lines = 0;
        CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
        try (Reader reader = new InputStreamReader(open(file), StandardCharsets.UTF_8); CSVParser records = format.parse(reader)) {
            for (CSVRecord record : records) {
                if (!record.get("order_id").equals(id)) {
                    id = record.get("order_id");
                    orders.add(new Order(orders.size(), Instant.parse(record.get("occurred_at")), new ArrayList<>()));
                }
                Line line = new Line(record.get("sku"), Long.parseLong(record.get("quantity")));
                orders.get(orders.size() - 1).lines().add(line);
                skus.add(line.sku());
                lines++;
            }
        }
        return new Orders(orders, skus, lines);
    }

    private static InputStream open(Path file) throws IOException {
        InputStream in = new BufferedInputStream(Files.newInputStream(file));
        in.mark(2);
        boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
        in.reset();
        return gzip ? new GZIPInputStream(in) : in;
    }
}
