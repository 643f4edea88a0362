package io.stockledger.server.api;

import com.google.rpc.Status;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.entity.Look;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.v1.Applied;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Stock;
import io.stockledger.v1.StreamMutationsResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** Puts outcomes and stocks into the words of the contract. */
final class Results {
    private Results() {}

    static MutationResult result(String mutationId, Outcome outcome) {
        MutationResult.Builder result = MutationResult.newBuilder().setMutationId(mutationId);
        if (outcome instanceof Outcome.Applied applied) {
            result.setApplied(applied(applied));
        } else if (outcome instanceof Outcome.Refused refused) {
            refusal(refused.refusal(), result);
        } else if (outcome instanceof Outcome.Failed failed) {
            result.setError(Errors.of(failed.failure()));
        }
        return result.build();
    }

    /** The id as far as it may go: one that is refused for its length must not make the answer long too. */
    static MutationResult error(String mutationId, Status status) {
        String clipped = mutationId.length() <= Fields.MUTATION_ID_MAX ? mutationId
                : mutationId.substring(0, mutationId.offsetByCodePoints(0, Math.min(Fields.MUTATION_ID_MAX,
                        mutationId.codePointCount(0, mutationId.length()))));
        return MutationResult.newBuilder().setMutationId(clipped).setError(status).build();
    }

    /** Empty where it would take more than so many bytes; a SKU may have thousands of locations. */
    static Optional<Stock> stock(String sku, String channel, String location, Look.Seen seen, long bytesMax) {
        Stock.Builder stock = Stock.newBuilder()
                .setSku(sku)
                .setSequence(seen.sequence())
                .setAsOfTime(EntryCodec.timestamp(seen.asOfMs()));
        long availableToSell = 0;
        long onHand = 0;
        long bytes = 0;
        for (Balance balance : seen.balances()) {
            if (location.isEmpty() || location.equals(balance.location())) {
                LocationBalance told = EntryCodec.toContract(balance);
                bytes += told.getSerializedSize();
                if (bytes > bytesMax) {
                    return Optional.empty();
                }
                stock.addBalances(told);
                availableToSell += balance.availableToSell(channel);
                onHand += balance.onHand();
            }
        }
        return Optional.of(stock.setAvailableToSell(availableToSell).setOnHand(onHand).build());
    }

    /** A reply to a batch. One that would be too long tells every outcome without the balances after it. */
    static StreamMutationsResponse reply(MutationResult[] results, int bytesMax) {
        StreamMutationsResponse whole = StreamMutationsResponse.newBuilder().addAllResults(Arrays.asList(results)).build();
        if (whole.getSerializedSize() <= bytesMax) {
            return whole;
        }
        StreamMutationsResponse.Builder cut = StreamMutationsResponse.newBuilder();
        for (MutationResult result : results) {
            cut.addResults(result.hasApplied()
                    ? result.toBuilder().setApplied(result.getApplied().toBuilder().clearBalances()).build() : result);
        }
        return cut.build();
    }

    private static Applied applied(Outcome.Applied applied) {
        Entry entry = applied.entry();
        Applied.Builder out = Applied.newBuilder()
                .setSequence(entry.sequence())
                .setRecordedAt(EntryCodec.timestamp(entry.recordedAtMs()))
                .setReplayed(applied.replayed());
        for (Balance balance : entry.balances()) {
            out.addBalances(EntryCodec.toContract(balance));
        }
        if (entry.expiresAtMs() > 0) {
            out.setExpiresAt(EntryCodec.timestamp(entry.expiresAtMs()));
        }
        return out.build();
    }

    /** A full SKU is an error of the contract, since waiting may help; every other refusal is an outcome. */
    private static void refusal(Refusal refusal, MutationResult.Builder result) {
        switch (refusal.reason()) {
            case TOO_MANY_LOCATIONS, TOO_MANY_RESERVATIONS, TOO_MANY_EXPECTED, TOO_MANY_CHANNELS ->
                    result.setError(Errors.tooMany(refusal.reason().name(),
                            "the SKU holds as many open as the ledger's limits allow; not applied",
                            Duration.ofSeconds(1)));
            case SEQUENCE_MISMATCH -> refuse(result, refusal, RefusalReason.REFUSAL_REASON_SEQUENCE_MISMATCH);
            case RESERVATION_NOT_FOUND -> refuse(result, refusal, RefusalReason.REFUSAL_REASON_RESERVATION_NOT_FOUND);
            case RESERVATION_CLOSED -> refuse(result, refusal, RefusalReason.REFUSAL_REASON_RESERVATION_CLOSED);
            case EXCEEDS_RESERVATION -> refuse(result, refusal, RefusalReason.REFUSAL_REASON_EXCEEDS_RESERVATION);
            case INSUFFICIENT_STOCK -> refuse(result, refusal, RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK);
            case BALANCE_LIMIT -> refuse(result, refusal, RefusalReason.REFUSAL_REASON_BALANCE_LIMIT);
        }
    }

    private static void refuse(MutationResult.Builder result, Refusal refusal, RefusalReason reason) {
        result.setRefusal(io.stockledger.v1.Refusal.newBuilder()
                .setReason(reason)
                .setAvailable(refusal.available())
                .setSequence(refusal.sequence()));
    }
}
