package io.stockledger.server.audit;

import com.typesafe.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.stockledger.server.audit.JournalAudit.Progress;
import io.stockledger.server.audit.JournalAudit.Verdict;
import io.stockledger.server.journal.AuditRound;
import io.stockledger.server.journal.AuditRound.Notes;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.StartupException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ledger's audit of itself: goes through everything at a stated rate, pauses, and begins again. What it finds is
 * told as an error and counted. A restart, or another node that takes over, goes on where the notes say.
 */
public final class BackgroundAudit implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BackgroundAudit.class);
    /** How often it looks whether it is its turn, where another node audits or the store is away. */
    private static final Duration LOOK_EVERY = Duration.ofSeconds(5);

    private final JournalAudit audit;
    private final AuditRound round;
    private final int entriesASecond;
    private final Duration pause;
    private final Duration noteEvery;
    private final InstantSource clock;
    private final AuditMeasurements measurements;
    private final Thread thread;

    private BackgroundAudit(JournalAudit audit, AuditRound round, Config config, InstantSource clock, AuditMeasurements measurements) {
        this.audit = audit;
        this.round = round;
        this.entriesASecond = config.getInt("entries-per-second");
        this.pause = config.getDuration("pause");
        this.noteEvery = config.getDuration("note-every");
        this.clock = clock;
        this.measurements = measurements;
        this.thread = new Thread(this::work, "audit-background");
        this.thread.setDaemon(true);
        if (entriesASecond < 1) {
            throw new StartupException("stockledger.audit.entries-per-second is " + entriesASecond
                    + ": set it to 1 or more, or stockledger.audit.background to false.");
        }
    }

    /** Starts it, unless it is turned off. {@code config}: stockledger.audit. */
    public static BackgroundAudit start(JournalAudit audit, Database database, Config config, InstantSource clock, MeterRegistry registry) {
        BackgroundAudit background = new BackgroundAudit(audit, new AuditRound(database), config, clock, new AuditMeasurements(registry));
        if (config.getBoolean("background")) {
            background.thread.start();
        }
        return background;
    }

    private void work() {
        boolean storeAway = false;
        while (!thread.isInterrupted()) {
            Duration wait = LOOK_EVERY;
            try {
                if (round.take()) {
                    wait = auditOn();
                } else {
                    measurements.anotherNodeAudits();
                }
                storeAway = false;
            } catch (SQLException | RuntimeException e) {
                if (!storeAway && !thread.isInterrupted()) {
                    LOG.warn("The audit can't go on now: {}", e.toString());
                }
                storeAway = true;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(Math.min(wait.toMillis(), LOOK_EVERY.toMillis()));
            } catch (InterruptedException e) {
                thread.interrupt();
            }
        }
        try {
            round.close();
        } catch (SQLException e) {
            LOG.debug("The audit's session was gone already", e);
        }
    }

    /** Goes on with the round that the notes tell of, or begins one where it is time; how long until the next is due. */
    private Duration auditOn() throws SQLException {
        Notes notes = round.read();
        measurements.noted(notes);
        Duration sinceEnd = Duration.ofMillis(clock.millis() - notes.endedAtMs());
        if (notes.lastSku().isEmpty() && notes.endedAtMs() > 0 && sinceEnd.compareTo(pause) < 0) {
            return pause.minus(sinceEnd);
        }
        Teller teller = new Teller(notes);
        Optional<Progress> end = audit.all(new Progress(notes.lastSku(), notes.skus(), notes.rows(), notes.entries(), notes.findings()), teller);
        if (teller.failure.isPresent()) {
            throw teller.failure.get();
        }
        if (end.isPresent()) {
            Notes ended = new Notes("", 0, 0, 0, 0, clock.millis(), end.get().findings());
            round.write(ended);
            measurements.noted(ended);
            if (end.get().findings() > 0) {
                LOG.error("The audit of everything came to its end: {} findings in {} SKUs, {} entries; `stockledger audit` tells them again",
                        end.get().findings(), end.get().skus(), end.get().entries());
            } else {
                LOG.info("The audit of everything found nothing in {} SKUs, {} entries", end.get().skus(), end.get().entries());
            }
            return pause;
        }
        return Duration.ZERO;
    }

    /** Keeps the rate, tells what is found, and notes how far it is. */
    private final class Teller implements JournalAudit.Follower {
        private final Notes before;
        private final long begunNanos = System.nanoTime();
        private long notedNanos = begunNanos;
        private long counted;
        private Optional<SQLException> failure = Optional.empty();

        Teller(Notes before) {
            this.before = before;
            this.counted = before.entries();
        }

        @Override
        public boolean goesOn(Progress soFar) {
            count(soFar);
            double dueNanos = (double) (soFar.entries() - before.entries()) / entriesASecond * TimeUnit.SECONDS.toNanos(1);
            long restNanos = (long) dueNanos - (System.nanoTime() - begunNanos);
            try {
                if (restNanos > 0) {
                    TimeUnit.NANOSECONDS.sleep(restNanos);
                }
                return true;
            } catch (InterruptedException e) {
                thread.interrupt();
                return false;
            }
        }

        private void count(Progress soFar) {
            measurements.read(soFar.entries() - counted);
            counted = soFar.entries();
        }

        @Override
        public boolean done(Verdict verdict, Progress soFar) {
            count(soFar);
            for (Finding finding : verdict.findings()) {
                LOG.error("The audit found {} in SKU {} at entry {}: expected {}, found {}. {}", finding.kind(), finding.sku(), finding.sequence(),
                        finding.expected(), finding.found(), finding.kind().advice());
            }
            Notes notes = new Notes(soFar.lastSku(), soFar.skus(), soFar.rows(), soFar.entries(), soFar.findings(),
                    before.endedAtMs(), before.endedFindings());
            measurements.noted(notes);
            if (System.nanoTime() - notedNanos < noteEvery.toNanos()) {
                return true;
            }
            notedNanos = System.nanoTime();
            try {
                round.write(notes);
                // The session may have been lost with the store, and the right with it.
                return round.take();
            } catch (SQLException e) {
                failure = Optional.of(e);
                return false;
            }
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
