package io.stockledger.server.journal;

import akka.actor.ActorSystem;
import akka.actor.ExtendedActorSystem;
import akka.persistence.SnapshotMetadata;
import akka.persistence.jdbc.config.SnapshotConfig;
import akka.persistence.jdbc.snapshot.dao.SnapshotDao;
import akka.serialization.Serialization;
import akka.stream.Materializer;
import io.stockledger.server.journal.Recoveries.Past;
import scala.Option;
import scala.Tuple2;
import scala.concurrent.ExecutionContext;
import scala.concurrent.Future;
import scala.concurrent.Future$;
import scala.jdk.javaapi.FutureConverters;
import scala.runtime.BoxedUnit;
import slick.jdbc.JdbcBackend;
import slick.jdbc.JdbcProfile;

/**
 * The snapshots as the persistence plugin sees them, by its extension point {@code jdbc-snapshot-store.dao}. A read is
 * the first step of a SKU's way back, so it reads all of its past at once. A write is taken, and done later: Akka holds
 * the answers of a row until its snapshot counts as saved, and a hot SKU's takes a while.
 */
public final class StockSnapshotDao implements SnapshotDao {
    private final PluginStore store;

    /** As the plugin calls it. */
    public StockSnapshotDao(JdbcBackend.DatabaseDef database, JdbcProfile profile, SnapshotConfig config,
            Serialization serialization, ExecutionContext executor, Materializer materializer) {
        this.store = PluginStore.ID.get((ExtendedActorSystem) materializer.system());
    }

    @Override
    public Future<Option<Tuple2<SnapshotMetadata, Object>>> latestSnapshot(String sku) {
        return FutureConverters.asScala(store.recover(sku).thenApply(past -> newestOf(sku, past)));
    }

    private static Option<Tuple2<SnapshotMetadata, Object>> newestOf(String sku, Past past) {
        return past.snapshot().isEmpty() ? Option.empty() : Option.apply(past.snapshot()
                .map(snapshot -> new Tuple2<SnapshotMetadata, Object>(
                        new SnapshotMetadata(sku, snapshot.rowNumber(), snapshot.createdMs()),
                        snapshot.stored().orElseThrow().read()))
                .get());
    }

    /** Has a snapshot written that nothing of the plugin asked for; false: too many wait, ask again later. */
    public static boolean save(ActorSystem system, String sku, long rowNumber, long createdMs, Snapshot stock) {
        return PluginStore.ID.get(system).snapshots().write(sku, rowNumber, createdMs, stock);
    }

    @Override
    public Future<BoxedUnit> save(SnapshotMetadata snapshot, Object stock) {
        store.snapshots().write(snapshot.persistenceId(), snapshot.sequenceNr(), snapshot.timestamp(),
                (Snapshot) stock);
        return Future$.MODULE$.successful(BoxedUnit.UNIT);
    }

    // A SKU comes back from its newest snapshot, or from its first row; the store itself keeps the newest two.

    private static <T> Future<T> neverAsked() {
        return Future$.MODULE$.failed(new UnsupportedOperationException("only the newest snapshot is read, and none is deleted"));
    }

    @Override
    public Future<Option<Tuple2<SnapshotMetadata, Object>>> snapshotForMaxTimestamp(String sku, long maxTimestamp) {
        return neverAsked();
    }

    @Override
    public Future<Option<Tuple2<SnapshotMetadata, Object>>> snapshotForMaxSequenceNr(String sku, long maxRow) {
        return neverAsked();
    }

    @Override
    public Future<Option<Tuple2<SnapshotMetadata, Object>>> snapshotForMaxSequenceNrAndMaxTimestamp(String sku,
            long maxRow, long maxTimestamp) {
        return neverAsked();
    }

    @Override
    public Future<BoxedUnit> deleteAllSnapshots(String sku) {
        return neverAsked();
    }

    @Override
    public Future<BoxedUnit> deleteUpToMaxSequenceNr(String sku, long maxRow) {
        return neverAsked();
    }

    @Override
    public Future<BoxedUnit> deleteUpToMaxTimestamp(String sku, long maxTimestamp) {
        return neverAsked();
    }

    @Override
    public Future<BoxedUnit> deleteUpToMaxSequenceNrAndMaxTimestamp(String sku, long maxRow, long maxTimestamp) {
        return neverAsked();
    }

    @Override
    public Future<BoxedUnit> delete(String sku, long row) {
        return neverAsked();
    }
}
