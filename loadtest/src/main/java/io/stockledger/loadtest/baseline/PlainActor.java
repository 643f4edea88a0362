package io.stockledger.loadtest.baseline;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.javadsl.CommandHandler;
import akka.persistence.typed.javadsl.EventHandler;
import akka.persistence.typed.javadsl.EventSourcedBehavior;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Pulse;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.workload.Plots;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The actor of the textbook: an EventSourcedBehavior that writes one event a command, on akka-persistence-jdbc as it
 * comes. It runs in the generator's own process and is asked by plain messages, so it has no network between: the
 * ledger is held against more than a shop would get of it.
 */
public final class PlainActor implements Workload {
    private static final String SCHEMA = "loadtest_plain_actor";
    private static final String SCRIPT = "/schema/postgres/postgres-create-schema.sql";

    private record Sell(String id, Consumer<Boolean> sold) {}

    /** Kept in place: a state that is copied for each event would be the slower actor. */
    private static final class Stock {
        private long available = 1_000_000_000_000L;
        private final Set<String> ids = new HashSet<>();
    }

    @Override
    public String name() {
        return "plain-actor-hot";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "baseline: one SKU, a plain EventSourcedBehavior in the generator's process, one event a command, 1 to 512 callers";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(RowLock.CALLERS.size()) + 3;
    }

    @Override
    public void run(Ground ground) throws Exception {
        Tables.make(ground, SCHEMA, script().split(";\\s*\n"));
        ActorSystem<Sell> stock = ActorSystem.create(behavior(ground.fresh("plain")), "plain-actor", config(ground.jdbc()));
        ground.keep(() -> {
            stock.terminate();
            stock.getWhenTerminated().toCompletableFuture().get(20, TimeUnit.SECONDS);
        });
        String ids = ground.fresh("pa");
        // It connects and recovers before it is measured, however short the warm-up.
        CountDownLatch recovered = new CountDownLatch(1);
        stock.tell(new Sell(ids + "-first", sold -> recovered.countDown()));
        if (!recovered.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the plain actor did not sell within 60 s");
        }
        AtomicLong numbers = new AtomicLong();
        for (int callers : RowLock.CALLERS) {
            String name = "plain-actor-hot-" + callers;
            Load load = pulse -> {
                CountDownLatch ended = new CountDownLatch(callers);
                // A write that fails ends the actor, and then nobody is answered.
                stock.getWhenTerminated().thenRun(() -> {
                    pulse.failed(new IllegalStateException("the plain actor's write failed, and so it ended"));
                    for (int i = 0; i < callers; i++) {
                        ended.countDown();
                    }
                });
                for (int i = 0; i < callers; i++) {
                    next(stock, ids, numbers, pulse, ended);
                }
                ended.await();
            };
            ground.add(Figure.of(name, "plain persistent actor, hot SKU, " + Plots.callers(callers), ground.peak(name, load).rounds(), "mutations/s")
                    .on(Plots.HOT.at("plain persistent actor", callers)).note("in the generator's process, without a network between; with Akka's notes for a logger (MDC), which the ledger goes without"));
        }
    }

    private static void next(ActorSystem<Sell> stock, String ids, AtomicLong numbers, Pulse pulse, CountDownLatch ended) {
        if (!pulse.running()) {
            ended.countDown();
            return;
        }
        stock.tell(new Sell(ids + "-" + numbers.getAndIncrement(), sold -> {
            if (sold) {
                pulse.answered(1);
            } else {
                pulse.failed(new IllegalStateException("the plain actor refused a sale"));
            }
            next(stock, ids, numbers, pulse, ended);
        }));
    }

    private static Behavior<Sell> behavior(String id) {
        return new PlainStock(PersistenceId.ofUniqueId(id));
    }

    /** The event is the mutation's id: each sells one unit. */
    private static final class PlainStock extends EventSourcedBehavior<Sell, String, Stock> {
        private PlainStock(PersistenceId id) {
            super(id);
        }

        @Override
        public Stock emptyState() {
            return new Stock();
        }

        @Override
        public CommandHandler<Sell, String, Stock> commandHandler() {
            return (stock, sell) -> {
                if (stock.ids.contains(sell.id()) || stock.available < 1) {
                    return Effect().none().thenRun(state -> sell.sold().accept(false));
                }
                return Effect().persist(sell.id()).thenRun(state -> sell.sold().accept(true));
            };
        }

        @Override
        public EventHandler<Stock, String> eventHandler() {
            return (stock, id) -> {
                stock.available--;
                stock.ids.add(id);
                return stock;
            };
        }
    }

    private static Config config(String jdbc) {
        return ConfigFactory.parseString("""
                akka {
                  loglevel = WARNING
                  stdout-loglevel = OFF
                  loggers = ["akka.event.slf4j.Slf4jLogger"]
                  logging-filter = "akka.event.slf4j.Slf4jLoggingFilter"
                  coordinated-shutdown.run-by-jvm-shutdown-hook = off
                  persistence.journal.plugin = jdbc-journal
                  persistence.snapshot-store.plugin = jdbc-snapshot-store
                }
                slick {
                  profile = "slick.jdbc.PostgresProfile$"
                  db { driver = "org.postgresql.Driver" }
                }
                jdbc-journal {
                  slick = ${slick}
                  tables.event_journal.schemaName = SCHEMA
                  tables.event_tag.schemaName = SCHEMA
                }
                jdbc-snapshot-store {
                  slick = ${slick}
                  tables.snapshot.schemaName = SCHEMA
                }
                """.replace("SCHEMA", SCHEMA))
                .withValue("slick.db.url", com.typesafe.config.ConfigValueFactory.fromAnyRef(jdbc))
                .withFallback(ConfigFactory.defaultReference())
                .resolve();
    }

    private static String script() throws IOException {
        try (InputStream in = PlainActor.class.getResourceAsStream(SCRIPT)) {
            if (in == null) {
                throw new IOException("the journal plugin brings no " + SCRIPT);
            }
            // It names the schema `public`, where our tables have no place.
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("public.", SCHEMA + ".").strip();
        }
    }
}
