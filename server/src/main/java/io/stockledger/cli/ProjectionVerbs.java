package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.v1.ListReservationsRequest;
import io.stockledger.v1.ListReservationsResponse;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.ProjectedStock;
import io.stockledger.v1.ProjectionFreshness;
import io.stockledger.v1.RebuildProjectionResponse;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.ReservationState;
import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The verbs that list what the projection holds, and the one that has it built anew. */
final class ProjectionVerbs {
    private ProjectionVerbs() {
    }

    @Command(name = "list-stock", description = {"Lists the stock of many SKUs, by SKU and location.",
            "It comes from the projection, and says how old that is; for one SKU, exact, see 'stock'."},
            footer = {"%nExample:", "  stockledger list-stock --prefix MUG- --location main", "  stockledger list-stock --below 3 --json"})
    static final class ListStockVerb implements Callable<Integer> {
        @Option(names = "--prefix", paramLabel = "TEXT", defaultValue = "", description = "Only SKUs that begin so.")
        private String prefix;

        @Option(names = "--location", paramLabel = "NAME", defaultValue = "", description = "Only this location (default: all).")
        private String location;

        @Option(names = "--below", paramLabel = "N", description = "Only where fewer units than this are available.")
        private Optional<Long> below = Optional.empty();

        @Option(names = "--channel", paramLabel = "NAME", defaultValue = "",
                description = "The channel that 'to sell' is for (default: one without an allocation).")
        private String channel;

        @Option(names = "--limit", paramLabel = "N", defaultValue = "1000", description = "At most so many rows (default: ${DEFAULT-VALUE}).")
        private long limit;

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            Listed listed = new Listed(ledger, limit);
            ListStockRequest.Builder request = ListStockRequest.newBuilder().setPageSize(listed.pageSize())
                    .setSkuPrefix(prefix).setLocation(location).setChannel(channel);
            below.ifPresent(request::setAvailableBelow);
            Table table = new Table().text("SKU").text("LOCATION").number("AVAILABLE").number("TO_SELL").number("RESERVED")
                    .number("COMMITTED").number("UNAVAILABLE").number("ON_HAND").number("INCOMING").number("SEQUENCE");
            try (LedgerClient client = ledger.connect()) {
                Iterator<ListStockResponse> pages = client.listStock(request.build()).iterator();
                while (listed.wantsMore() && pages.hasNext()) {
                    ListStockResponse page = pages.next();
                    listed.page(page.getFreshness());
                    for (ProjectedStock row : page.getStocksList()) {
                        if (listed.takes()) {
                            LocationBalance b = row.getBalance();
                            listed.row(row, table, row.getSku(), b.getLocation(), b.getAvailable(), row.getAvailableToSell(), b.getReserved(),
                                    b.getCommitted(), b.getUnavailable(), row.getOnHand(), b.getIncoming(), Long.toString(row.getSequence()));
                        }
                    }
                    listed.moreFollows(!page.getNextPageToken().isEmpty());
                }
            }
            listed.end(table, "no stock is like that");
            return Stockledger.DONE;
        }
    }

    @Command(name = "list-reservations", description = {"Lists the reservations of many SKUs, by SKU and id.",
            "They come from the projection, which says how old it is; for one, exact, see 'reservation'."},
            footer = {"%nExample:", "  stockledger list-reservations", "  stockledger list-reservations --all --sku MUG --channel web"})
    static final class ListReservationsVerb implements Callable<Integer> {
        @Option(names = "--sku", paramLabel = "SKU", defaultValue = "", description = "Only of this SKU.")
        private String sku;

        @Option(names = "--prefix", paramLabel = "TEXT", defaultValue = "", description = "Only of SKUs that begin so.")
        private String prefix;

        @Option(names = "--location", paramLabel = "NAME", defaultValue = "", description = "Only at this location (default: all).")
        private String location;

        @Option(names = "--channel", paramLabel = "NAME", defaultValue = "", description = "Only of this channel (default: all).")
        private String channel;

        @Option(names = "--all", description = "Closed ones too.")
        private boolean all;

        @Option(names = "--limit", paramLabel = "N", defaultValue = "1000", description = "At most so many (default: ${DEFAULT-VALUE}).")
        private long limit;

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            Listed listed = new Listed(ledger, limit);
            ListReservationsRequest request = ListReservationsRequest.newBuilder().setPageSize(listed.pageSize())
                    .setSku(sku).setSkuPrefix(prefix).setLocation(location).setChannel(channel)
                    .setState(all ? ReservationState.RESERVATION_STATE_UNSPECIFIED : ReservationState.RESERVATION_STATE_OPEN).build();
            Table table = new Table().text("SKU").text("RESERVATION").text("STATE").text("LOCATION").text("CHANNEL").text("REFERENCE")
                    .number("QUANTITY").number("HELD").number("COMMITTED").text("EXPIRES");
            try (LedgerClient client = ledger.connect()) {
                Iterator<ListReservationsResponse> pages = client.listReservations(request).iterator();
                while (listed.wantsMore() && pages.hasNext()) {
                    ListReservationsResponse page = pages.next();
                    listed.page(page.getFreshness());
                    for (Reservation r : page.getReservationsList()) {
                        if (listed.takes()) {
                            listed.row(r, table, r.getSku(), r.getReservationId(), Converters.shown(r.getState(), "RESERVATION_STATE_"),
                                    r.getLocation(), r.getChannel(), r.getReference(), r.getQuantity(), r.getHeld(), r.getCommitted(),
                                    r.getHeld() > 0 ? Converters.shown(r.hasExpiresAt(), r.getExpiresAt()) : "");
                        }
                    }
                    listed.moreFollows(!page.getNextPageToken().isEmpty());
                }
            }
            listed.end(table, "no reservation is like that");
            return Stockledger.DONE;
        }
    }

    /** What a listing has shown, up to its limit; it ends with how fresh it was. */
    private static final class Listed {
        private static final int PAGE_MAX = 1_000;
        private final LedgerOptions ledger;
        private final long limit;
        private long shown;
        private boolean more;
        private ProjectionFreshness freshness = ProjectionFreshness.getDefaultInstance();

        Listed(LedgerOptions ledger, long limit) {
            if (limit < 1) {
                throw new Failure("--limit must be 1 or more");
            }
            this.ledger = ledger;
            this.limit = limit;
        }

        int pageSize() {
            return (int) Math.min(limit, PAGE_MAX);
        }

        boolean wantsMore() {
            return shown < limit;
        }

        /** Of several pages the oldest word holds for all. */
        void page(ProjectionFreshness next) {
            freshness = shown == 0 ? next : freshness;
        }

        boolean takes() {
            more |= shown == limit;
            return shown < limit;
        }

        void row(com.google.protobuf.Message row, Table table, Object... cells) {
            shown++;
            if (ledger.json()) {
                ledger.out().println(Json.line(row));
            } else {
                table.row(cells);
            }
        }

        void moreFollows(boolean follows) {
            more |= follows && shown == limit;
        }

        void end(Table table, String nothing) {
            if (!ledger.json()) {
                if (shown > 0) {
                    table.print(ledger.out());
                } else {
                    ledger.out().println(nothing);
                }
                ledger.out().println("as of " + Converters.shown(freshness.hasAsOfTime(), freshness.getAsOfTime()) + ", "
                        + Table.grouped(freshness.getAge().getSeconds() * 1_000 + freshness.getAge().getNanos() / 1_000_000) + " ms ago");
            }
            if (more) {
                ledger.out().flush();
                ledger.err().println("stockledger: more follow; ask for them with --limit, or narrow what you ask for");
            }
        }
    }

    @Command(name = "rebuild-projection", description = {"Builds the projection anew from the first entry on, while it goes on being read.",
            "Ctrl-C ends the watching, not the rebuild."},
            footer = {"%nExample:", "  stockledger rebuild-projection"})
    static final class RebuildVerb implements Callable<Integer> {
        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            boolean done = false;
            try (LedgerClient client = ledger.connect()) {
                Iterator<RebuildProjectionResponse> answers = client.rebuildProjection();
                while (answers.hasNext()) {
                    RebuildProjectionResponse answer = answers.next();
                    done |= answer.getDone();
                    ledger.out().println(ledger.json() ? Json.line(answer) : text(answer));
                    ledger.out().flush();
                }
            }
            if (!done) {
                throw new Failure("the ledger ended the call before the rebuild was done; it goes on by itself");
            }
            return Stockledger.DONE;
        }

        private static String text(RebuildProjectionResponse answer) {
            return (answer.getDone() ? "done: " : "") + Table.grouped(answer.getEntries())
                    + (answer.getDone() || answer.getEntriesExpected() == 0 ? "" : " of about " + Table.grouped(answer.getEntriesExpected()))
                    + " entries";
        }
    }
}
