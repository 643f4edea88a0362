package io.stockledger.server.journal;

import com.google.protobuf.ByteString;
import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.IdsPart;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.snapshot.Forgotten;
import io.stockledger.server.journal.snapshot.Incoming;
import io.stockledger.server.journal.snapshot.NewestIds;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.ReservationState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A SKU's stock and the end of its chain, between memory and the message that a snapshot stores. */
public final class SnapshotCodec {
    private SnapshotCodec() {}

    /**
     * A SKU as its rows have made it.
     *
     * @param digest of its last row
     * @param announcedDueMs the expiry that the journal last announced
     */
    public record Standing(Stock stock, byte[] digest, long announcedDueMs) {}

    public static Snapshot encode(Standing standing) {
        Stock stock = standing.stock();
        List<IdsPart> olderIds = new ArrayList<>();
        List<IdsPart> newestIds = new ArrayList<>();
        StockSnapshot.Builder out = StockSnapshot.newBuilder()
                .setSku(stock.sku())
                .setSequence(stock.sequence())
                .setRecordedAtMs(stock.recordedAtMs())
                .setDigest(ByteString.copyFrom(standing.digest()))
                .setAnnouncedDueMs(standing.announcedDueMs())
                .setAppliedIds(appliedIds(stock, olderIds, newestIds));
        for (Balance balance : stock.balances()) {
            out.addBalances(EntryCodec.toContract(balance));
        }
        for (Reservation reservation : stock.reservations()) {
            out.addReservations(toContract(stock.sku(), reservation));
        }
        stock.incoming().forEach((key, quantity) -> out.addIncoming(Incoming.newBuilder()
                .setLocation(key.location()).setReference(key.reference()).setQuantity(quantity)));
        return new Snapshot(out.build(), olderIds, newestIds);
    }

    /** @param noIds the ids to be filled; they say how many the SKU may keep from now on */
    public static Standing decode(Snapshot snapshot, AppliedIds noIds) {
        StockSnapshot in = snapshot.stock();
        restore(snapshot, noIds);
        Stock stock = new Stock(in.getSku(), noIds);
        List<Balance> balances = new ArrayList<>(in.getBalancesCount());
        for (LocationBalance balance : in.getBalancesList()) {
            balances.add(EntryCodec.toDomain(balance));
        }
        List<Reservation> reservations = new ArrayList<>(in.getReservationsCount());
        for (io.stockledger.v1.Reservation reservation : in.getReservationsList()) {
            reservations.add(toDomain(reservation));
        }
        Map<Stock.Incoming, Long> incoming = new HashMap<>();
        for (Incoming one : in.getIncomingList()) {
            incoming.put(new Stock.Incoming(one.getLocation(), one.getReference()), one.getQuantity());
        }
        stock.restore(in.getSequence(), in.getRecordedAtMs(), balances, reservations, incoming);
        return new Standing(stock, in.getDigest().toByteArray(), in.getAnnouncedDueMs());
    }

    public static io.stockledger.v1.Reservation toContract(String sku, Reservation reservation) {
        return io.stockledger.v1.Reservation.newBuilder()
                .setSku(sku)
                .setReservationId(reservation.id())
                .setState(reservation.open() ? ReservationState.RESERVATION_STATE_OPEN
                        : ReservationState.RESERVATION_STATE_CLOSED)
                .setLocation(reservation.location())
                .setChannel(reservation.channel())
                .setReference(reservation.reference())
                .setQuantity(reservation.quantity())
                .setHeld(reservation.held())
                .setCommitted(reservation.committed())
                .setReleased(reservation.released())
                .setExpired(reservation.expired())
                .setFulfilled(reservation.fulfilled())
                .setCancelled(reservation.cancelled())
                .setExpiresAt(EntryCodec.timestamp(reservation.expiresAtMs()))
                .setSequence(reservation.sequence())
                .build();
    }

    private static Reservation toDomain(io.stockledger.v1.Reservation in) {
        return new Reservation(in.getReservationId(), in.getLocation(), in.getChannel(), in.getReference(),
                in.getQuantity(), in.getHeld(), in.getCommitted(), in.getReleased(), in.getExpired(),
                in.getFulfilled(), in.getCancelled(), EntryCodec.millis(in.getExpiresAt()), in.getSequence());
    }

    private static io.stockledger.server.journal.snapshot.AppliedIds appliedIds(Stock stock, List<IdsPart> olderIds,
            List<IdsPart> newestIds) {
        AppliedIds ids = stock.appliedIds();
        io.stockledger.server.journal.snapshot.AppliedIds.Builder out =
                io.stockledger.server.journal.snapshot.AppliedIds.newBuilder()
                        .setForgottenSequence(stock.sequence())
                        .setForgottenCreatedAtMs(Long.MAX_VALUE)
                        .setForgottenRecordedAtMs(stock.recordedAtMs())
                        .setKey(ids.key())
                        .setForgotten(Forgotten.newBuilder()
                                .setSequence(ids.forgottenSequence())
                                .setCreatedAtMsMax(ids.forgottenCreatedAtMs())
                                .setRecordedAtMsMax(ids.forgottenRecordedAtMs()));
        ids.forEachPart(new AppliedIds.PartVisitor() {
            @Override
            public void older(IdsPart part) {
                olderIds.add(part);
            }

            @Override
            public void newest(long beforeSequence, IdsPart part, long createdAtMsMax, long recordedAtMsMax) {
                newestIds.add(part);
                out.addNewest(NewestIds.newBuilder()
                        .setBeforeSequence(beforeSequence)
                        .setCreatedAtMsMax(createdAtMsMax)
                        .setRecordedAtMsMax(recordedAtMsMax));
            }
        });
        return out.build();
    }

    private static void restore(Snapshot snapshot, AppliedIds ids) {
        io.stockledger.server.journal.snapshot.AppliedIds in = snapshot.stock().getAppliedIds();
        ids.restoreKey(in.getKey());
        if (!in.hasForgotten()) {
            restoreOfFirstLayout(in, ids);
            return;
        }
        Forgotten forgotten = in.getForgotten();
        ids.restoreForgotten(forgotten.getSequence(), forgotten.getCreatedAtMsMax(), forgotten.getRecordedAtMsMax());
        snapshot.olderIds().forEach(part -> ids.restoreOlder(part.words()));
        for (int i = 0; i < in.getNewestCount(); i++) {
            NewestIds newest = in.getNewest(i);
            ids.restoreNewest(newest.getBeforeSequence(), snapshot.newestIds().get(i).words(), newest.getCreatedAtMsMax(),
                    newest.getRecordedAtMsMax());
        }
    }

    /** The ids one by one, oldest first; the first bit of a fingerprint says that the id is a reservation's too. */
    private static void restoreOfFirstLayout(io.stockledger.server.journal.snapshot.AppliedIds in, AppliedIds ids) {
        ids.restoreForgotten(in.getForgottenSequence(), in.getForgottenCreatedAtMs(), in.getForgottenRecordedAtMs());
        int next = 0;
        for (io.stockledger.server.journal.snapshot.AppliedIds.Times times : in.getTimesList()) {
            for (int end = next + times.getIds(); next < end; next++) {
                long fingerprint = in.getFingerprints(next);
                ids.add(fingerprint & Long.MAX_VALUE, fingerprint < 0, in.getSequences(next),
                        times.getCreatedAtMsMax(), times.getRecordedAtMsMax());
            }
        }
    }
}
