package io.stockledger.server.journal;

import akka.NotUsed;
import akka.actor.ExtendedActorSystem;
import akka.actor.Scheduler;
import akka.persistence.AtomicWrite;
import akka.persistence.PersistentRepr;
import akka.persistence.jdbc.config.JournalConfig;
import akka.persistence.jdbc.journal.dao.JournalDao;
import akka.serialization.Serialization;
import akka.stream.Materializer;
import akka.stream.javadsl.Source;
import io.stockledger.server.journal.PluginStore.Ahead;
import io.stockledger.server.journal.Recoveries.StoredRow;
import io.stockledger.server.journal.RowWriter.NewRow;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import scala.Option;
import scala.Tuple2;
import scala.concurrent.ExecutionContext;
import scala.concurrent.Future;
import scala.concurrent.Future$;
import scala.concurrent.Promise;
import scala.concurrent.duration.FiniteDuration;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.FutureConverters;
import scala.runtime.BoxedUnit;
import scala.util.Failure;
import scala.util.Success;
import scala.util.Try;
import slick.jdbc.JdbcBackend;
import slick.jdbc.JdbcProfile;

/**
 * The journal as the persistence plugin sees it, by its extension point {@code jdbc-journal.dao}. The plugin's own
 * writes a statement a row and reads a SKU at a time.
 */
public final class RowJournalDao implements JournalDao {
    private final PluginStore store;

    /** As the plugin calls it. */
    public RowJournalDao(JdbcBackend.DatabaseDef database, JdbcProfile profile, JournalConfig config,
            Serialization serialization, ExecutionContext executor, Materializer materializer) {
        this.store = PluginStore.ID.get((ExtendedActorSystem) materializer.system());
    }

    // ---- Writing ----

    @Override
    public Future<scala.collection.immutable.Seq<Try<BoxedUnit>>> asyncWriteMessages(
            scala.collection.immutable.Seq<AtomicWrite> writes) {
        if (writes.size() == 1) {
            return write(writes.head());
        }
        return Future$.MODULE$.failed(new IllegalArgumentException("a SKU writes one row at a time, not " + writes.size()));
    }

    private Future<scala.collection.immutable.Seq<Try<BoxedUnit>>> write(AtomicWrite write) {
        List<NewRow> rows = new ArrayList<>(1);
        for (PersistentRepr row : CollectionConverters.asJava(write.payload())) {
            rows.add(new NewRow(row.persistenceId(), row.sequenceNr(), row.writerUuid(), row.timestamp(),
                    (GroupRow) row.payload()));
        }
        // What was read ahead of it, if anything is left, is not the SKU's past any more.
        store.forget(rows.get(0).sku());
        Promise<scala.collection.immutable.Seq<Try<BoxedUnit>>> told = Promise.apply();
        store.rows().write(rows, new RowWriter.Outcome() {
            @Override
            public void written() {
                told.success(ALL_WRITTEN);
            }

            @Override
            public void refused(SQLException why) {
                // The actor stops; the plugin's circuit breaker does not count it: the store is well.
                told.success(CollectionConverters.<Try<BoxedUnit>>asScala(List.of(new Failure<>(why))).toSeq());
            }

            @Override
            public void unknown(Throwable why) {
                told.failure(why);
            }
        });
        return told.future();
    }

    /** To the plugin an empty list means that all went well. */
    private static final scala.collection.immutable.Seq<Try<BoxedUnit>> ALL_WRITTEN =
            CollectionConverters.<Try<BoxedUnit>>asScala(List.of()).toSeq();

    @Override
    public Future<BoxedUnit> delete(String sku, long upToRow) {
        return Future$.MODULE$.failed(new UnsupportedOperationException("the journal is append-only"));
    }

    // ---- Replaying ----

    @Override
    public Future<Object> highestSequenceNr(String sku, long fromRow) {
        Optional<Ahead> ahead = store.readAhead(sku);
        if (ahead.isPresent()) {
            if (ahead.get().newestRow() <= fromRow) {
                // There is nothing to replay, so nobody will ask on.
                store.forget(sku);
            }
            return Future$.MODULE$.successful(ahead.get().newestRow());
        }
        return FutureConverters.asScala(store.newestRow(sku).thenApply(newest -> newest));
    }

    @Override
    public akka.stream.scaladsl.Source<Try<Tuple2<PersistentRepr, Object>>, NotUsed> messagesWithBatch(String sku,
            long from, long to, int rowsAPage, Option<Tuple2<FiniteDuration, Scheduler>> refresh) {
        List<StoredRow> ahead = store.readAhead(sku).filter(read -> read.afterRow() + 1 == from)
                .map(Ahead::rows).orElse(List.of());
        store.forget(sku);
        long next = from + ahead.size();
        Source<StoredRow, NotUsed> rows = Source.from(ahead);
        if (next <= to) {
            rows = rows.concatLazy(pages(sku, next, to, rowsAPage));
        }
        return rows.map(row -> repr(sku, row)).asScala();
    }

    @Override
    public akka.stream.scaladsl.Source<Try<Tuple2<PersistentRepr, Object>>, NotUsed> messages(String sku, long from,
            long to, long rowsMax) {
        return pages(sku, from, to, (int) Math.min(rowsMax, 100)).take(rowsMax).map(row -> repr(sku, row)).asScala();
    }

    private Source<StoredRow, NotUsed> pages(String sku, long from, long to, int rowsAPage) {
        return Source.<Long, List<StoredRow>>unfoldAsync(from, next -> page(sku, next, to, rowsAPage))
                .mapConcat(page -> page);
    }

    private CompletionStage<Optional<akka.japi.Pair<Long, List<StoredRow>>>> page(String sku, long next, long to,
            int rowsAPage) {
        if (next > to) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        return store.recoveries().page(sku, next, to, rowsAPage).thenApply(page -> page.isEmpty() ? Optional.empty()
                : Optional.of(akka.japi.Pair.create(page.get(page.size() - 1).number() + 1, page)));
    }

    private static Try<Tuple2<PersistentRepr, Object>> repr(String sku, StoredRow row) {
        PersistentRepr repr = PersistentRepr.apply(GroupRow.of(row.payload()), row.number(), sku, "", false, null,
                row.writer()).withTimestamp(row.timestampMs());
        return new Success<>(new Tuple2<>(repr, row.number()));
    }
}
