package io.stockledger.server.journal;

import akka.actor.AbstractExtensionId;
import akka.actor.ExtendedActorSystem;
import akka.actor.Extension;
import akka.persistence.jdbc.config.JournalConfig;
import akka.persistence.jdbc.db.SlickExtension;
import akka.persistence.jdbc.db.SlickExtensionImpl;
import com.typesafe.config.Config;
import io.stockledger.server.journal.Recoveries.Past;
import io.stockledger.server.journal.Recoveries.StoredRow;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import scala.concurrent.Batchable;
import slick.jdbc.JdbcDataSource;

/**
 * What the persistence plugin's two extension points share: {@link RowJournalDao} and {@link StockSnapshotDao}. The
 * plugin asks for a SKU's snapshot, then for its newest row number, then for its rows; here the first question is
 * answered with all three read together, and the rest is kept for the next two.
 */
final class PluginStore implements Extension {
    static final AbstractExtensionId<PluginStore> ID = new AbstractExtensionId<>() {
        @Override
        public PluginStore createExtension(ExtendedActorSystem system) {
            return new PluginStore(system);
        }
    };

    private static final int RECOVERY_SESSIONS = 2;
    /** Where actors stop halfway, since the store is away, what was read ahead for them must not pile up. */
    private static final int READ_AHEAD_MAX = 4_096;

    /** Rows after this one were read, and how far the SKU's rows go. */
    record Ahead(long afterRow, List<StoredRow> rows, long newestRow) {}

    /**
     * A task that runs on Akka's threads together with the tasks that it brings about: for each row that is written
     * the plugin has some, and each by itself would be handed from thread to thread.
     */
    private record Together(Runnable task) implements Runnable, Batchable {
        @Override
        public void run() {
            task.run();
        }
    }

    private final RowWriter rows;
    private final Recoveries recoveries;
    private final SnapshotWriter snapshots;
    /** For SKUs whose snapshot was handed out. A SKU recovers in one place at a time, and takes its own away. */
    private final Map<String, Ahead> readAhead = new ConcurrentHashMap<>();

    private PluginStore(ExtendedActorSystem system) {
        Config config = system.settings().config().getConfig("jdbc-journal");
        JournalConfig settings = new JournalConfig(config);
        // The plugin's own pool, the same for both.
        JdbcDataSource source = ((SlickExtensionImpl) SlickExtension.get(system)).database(config).database().source();
        this.rows = new RowWriter(source::createConnection, settings.daoConfig().parallelism(),
                settings.daoConfig().bufferSize(), settings.daoConfig().batchSize(),
                task -> system.dispatcher().execute(new Together(task)));
        this.recoveries = new Recoveries(source::createConnection, RECOVERY_SESSIONS);
        this.snapshots = new SnapshotWriter(source::createConnection);
        system.registerOnTermination(() -> {
            snapshots.close();
            recoveries.close();
            rows.close();
        });
    }

    RowWriter rows() {
        return rows;
    }

    Recoveries recoveries() {
        return recoveries;
    }

    SnapshotWriter snapshots() {
        return snapshots;
    }

    /** The number of a SKU's newest row, where its past was not read ahead: its snapshot could not be asked for. */
    CompletionStage<Long> newestRow(String sku) {
        return past(sku).thenApply(Past::newestRow);
    }

    /** Reads a SKU's past, and keeps it for {@link #readAhead}. */
    CompletionStage<Past> recover(String sku) {
        readAhead.remove(sku);
        return past(sku).thenApply(past -> {
            if (readAhead.size() >= READ_AHEAD_MAX) {
                readAhead.clear();
            }
            readAhead.put(sku, new Ahead(past.snapshotRow(), past.rows(), past.newestRow()));
            return past;
        });
    }

    /** Not before a row that the SKU's last actor gave up on has been written or not: it would be missing. */
    private CompletionStage<Past> past(String sku) {
        CompletableFuture<Void> settled = new CompletableFuture<>();
        rows.whenSettled(sku, () -> settled.complete(null));
        return settled.thenCompose(now -> recoveries.past(sku));
    }

    Optional<Ahead> readAhead(String sku) {
        return Optional.ofNullable(readAhead.get(sku));
    }

    void forget(String sku) {
        readAhead.remove(sku);
    }
}
