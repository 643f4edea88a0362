package io.stockledger.cli;

import com.google.protobuf.ByteString;
import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Subscription;
import io.stockledger.v1.ChainHead;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Share;
import io.stockledger.v1.SubscribeRequest;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Follows the feed until Ctrl-C, through any break of the connection. */
@Command(name = "watch", description = "Follows the feed: each entry as it commits. Ends with Ctrl-C and says where to go on.",
        footer = {"%nExample:", "  stockledger watch", "  stockledger watch --sku MUG --kind sell --kind reserve --json",
            "  stockledger watch --from beginning --until-caught-up", "  stockledger watch --name erp --from beginning"})
final class Watch implements Callable<Integer> {
    private static final Pattern SHARE = Pattern.compile("([0-9]{1,4})/([0-9]{1,4})");

    @Option(names = "--sku", paramLabel = "SKU", description = "Only this SKU (may be repeated, as the next ones).")
    private List<String> skus = List.of();

    @Option(names = "--prefix", paramLabel = "TEXT", defaultValue = "", description = "Only SKUs that begin so.")
    private String prefix;

    @Option(names = "--location", paramLabel = "NAME", description = "Only entries that touch this location.")
    private List<String> locations = List.of();

    @Option(names = "--channel", paramLabel = "NAME", description = "Only entries of this channel.")
    private List<String> channels = List.of();

    @Option(names = "--kind", paramLabel = "KIND", description = "Only entries of this kind: sell, reserve, expire ...")
    private List<EntryKind> kinds = List.of();

    @Option(names = "--share", paramLabel = "I/N", description = "Only the SKUs of share I (from 0) of N.")
    private Optional<String> share = Optional.empty();

    @Option(names = "--name", paramLabel = "NAME", converter = Converters.Name.class, description = {"As a consumer of this named subscription: what is shown is acknowledged,",
            "and shared with the name's other consumers. --from is where a new name begins."})
    private Optional<String> name = Optional.empty();

    @Option(names = "--consumer", paramLabel = "NAME", converter = Converters.Name.class,
            description = "With --name: who this consumer is among the others.")
    private Optional<String> consumer = Optional.empty();

    @Option(names = "--from", paramLabel = "WHERE", defaultValue = "now",
            description = "beginning, now, or the cursor that an earlier watch ended with (default: ${DEFAULT-VALUE}).")
    private String from;

    @Option(names = "--limit", paramLabel = "N", description = "End after so many entries.")
    private Optional<Long> limit = Optional.empty();

    @Option(names = "--until-caught-up", description = "End when everything committed so far has been shown.")
    private boolean untilCaughtUp;

    @Option(names = "--export-heads", paramLabel = "FILE",
            description = "Also write chain heads into a new CSV as they come, for `audit --heads`: keep it where nobody who can write to"
                    + " the database can reach it.")
    private Optional<Path> exportHeads = Optional.empty();

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() throws InterruptedException {
        SubscribeRequest request = request();
        Optional<HeadsFile> heads = exportHeads.map(HeadsFile::of);
        Printer printer = new Printer(ledger.out(), ledger.err(), ledger.json(), limit.orElse(Long.MAX_VALUE), untilCaughtUp, name, heads);
        try (LedgerClient client = ledger.connect(); Subscription subscription = client.subscribe(request, printer)) {
            Thread farewell = new Thread(() -> {
                // What was shown is acknowledged before the end.
                subscription.close();
                printer.tellWhereToGoOn(ledger.err());
            });
            Runtime.getRuntime().addShutdownHook(farewell);
            try {
                printer.end.get();
            } finally {
                ledger.out().flush();
                Runtime.getRuntime().removeShutdownHook(farewell);
            }
        } catch (ExecutionException e) {
            if (e.getCause().getCause() instanceof Failure unwritable) {
                throw unwritable;
            }
            throw e.getCause() instanceof LedgerException cause ? cause : new Failure(e.getCause().toString(), e.getCause());
        } finally {
            heads.ifPresent(HeadsFile::close);
        }
        printer.tellWhereToGoOn(ledger.err());
        return Stockledger.DONE;
    }

    private SubscribeRequest request() {
        if (limit.filter(n -> n < 1).isPresent()) {
            throw new Failure("--limit must be 1 or more");
        }
        if (name.isPresent() && limit.isPresent()) {
            throw new Failure("--limit does not go with --name: it might end within a message, which is acknowledged whole");
        }
        if (name.isEmpty() && consumer.isPresent()) {
            throw new Failure("--consumer goes with --name");
        }
        if (name.isPresent() && exportHeads.isPresent()) {
            throw new Failure("--export-heads does not go with --name");
        }
        SubscribeRequest.Builder request = SubscribeRequest.newBuilder().setName(name.orElse("")).setConsumer(consumer.orElse(""))
                .setChainHeads(exportHeads.isPresent());
        FeedFilter filter = FeedFilter.newBuilder()
                .addAllSkus(skus).setSkuPrefix(prefix).addAllLocations(locations).addAllChannels(channels).addAllKinds(kinds).build();
        // None given is all, or what the name was made with.
        if (!filter.equals(FeedFilter.getDefaultInstance())) {
            request.setFilter(filter);
        }
        share.ifPresent(text -> {
            Matcher matcher = SHARE.matcher(text);
            if (!matcher.matches()) {
                throw new Failure("--share must be I/N, for example 0/3, not '" + Table.printable(text) + "'");
            }
            request.setShare(Share.newBuilder().setIndex(Integer.parseInt(matcher.group(1))).setCount(Integer.parseInt(matcher.group(2))));
        });
        switch (from) {
            case "beginning" -> request.setFromBeginning(true);
            case "now" -> request.setFromNow(true);
            default -> request.setAfterCursor(cursor(from));
        }
        return request.build();
    }

    private static ByteString cursor(String text) {
        return Converters.cursor(text)
                .orElseThrow(() -> new Failure("--from must be beginning, now or a cursor, not '" + Table.printable(text) + "'"));
    }

    /** Writes entries as they come, and keeps the cursor of what it has written. */
    private static final class Printer implements EntryListener {
        private final PrintWriter out;
        private final PrintWriter err;
        private final boolean json;
        private final boolean untilCaughtUp;
        private final Optional<String> name;
        private final Optional<HeadsFile> heads;
        private final CompletableFuture<Void> end = new CompletableFuture<>();
        private long left;
        private volatile Optional<ByteString> cursor = Optional.empty();

        Printer(PrintWriter out, PrintWriter err, boolean json, long limit, boolean untilCaughtUp, Optional<String> name,
                Optional<HeadsFile> heads) {
            this.out = out;
            this.err = err;
            this.json = json;
            this.left = limit;
            this.untilCaughtUp = untilCaughtUp;
            this.name = name;
            this.heads = heads;
        }

        @Override
        public void onEntries(List<Entry> entries, FeedProgress progress) {
            heads.filter(file -> !end.isDone()).ifPresent(HeadsFile::begin);
            for (Entry entry : entries) {
                if (left == 0) {
                    // In the middle of a message, so the cursor stays before it:
                    // to see an entry twice is better than to miss one.
                    end.complete(null);
                    return;
                }
                out.println(json ? Json.line(entry) : Shown.feedLine(entry));
                left--;
            }
            moveTo(progress);
            if (left == 0 || out.checkError()) {
                end.complete(null);
            }
        }

        @Override
        public void onChainHeads(List<ChainHead> told, FeedProgress progress) {
            heads.filter(file -> !end.isDone()).ifPresent(file -> file.add(told));
        }

        @Override
        public void onCaughtUp(FeedProgress progress) {
            heads.filter(file -> !end.isDone()).ifPresent(HeadsFile::begin);
            moveTo(progress);
            if (untilCaughtUp) {
                end.complete(null);
            }
        }

        @Override
        public void onFallenBehind() {
            if (!end.isDone()) {
                err.println("stockledger: no longer up to date (a broken connection, or more than could be sent yet); it goes on by itself");
                err.flush();
            }
        }

        @Override
        public void onHeartbeat(FeedProgress progress) {
            moveTo(progress);
        }

        @Override
        public void onFailed(LedgerException error) {
            end.completeExceptionally(error);
        }

        private void moveTo(FeedProgress progress) {
            if (!end.isDone()) {
                cursor = Optional.of(progress.cursor());
            }
        }

        void tellWhereToGoOn(PrintWriter err) {
            cursor.ifPresent(at -> {
                err.println("stockledger: go on with " + name.map(it -> "--name " + Table.printable(it))
                        .orElseGet(() -> "--from " + Base64.getUrlEncoder().withoutPadding().encodeToString(at.toByteArray())));
                err.flush();
            });
        }
    }
}
