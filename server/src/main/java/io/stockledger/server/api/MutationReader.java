package io.stockledger.server.api;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.grpc.Status.Code;
import io.stockledger.server.domain.AdjustReason;
import io.stockledger.server.domain.Allocation;
import io.stockledger.server.domain.Limits;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.domain.UnavailableReason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.OptionalLong;

/** Reads a mutation of the contract into one of the domain: everything malformed is refused here, at the door. */
final class MutationReader {
    /** Where units are that name no location. */
    static final String DEFAULT_LOCATION = "main";

    private static final ThreadLocal<MessageDigest> SHA_256 = ThreadLocal.withInitial(() -> {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    });

    private final InstantSource clock;

    MutationReader(InstantSource clock) {
        this.clock = clock;
    }

    Mutation read(io.stockledger.v1.Mutation in, String principal) throws InvalidRequest {
        String mutationId = Fields.requiredText("mutation_id", in.getMutationId(), Fields.MUTATION_ID_MAX);
        String sku = Fields.sku("sku", in.getSku());
        String location = Fields.text("location", in.getLocation(), Fields.LOCATION_MAX);
        String channel = Fields.text("channel", in.getChannel(), Fields.CHANNEL_MAX);
        String reference = Fields.text("reference", in.getReference(), Fields.REFERENCE_MAX);
        Operation operation = operation(in);
        if (location.isEmpty() && !(operation instanceof Operation.OnReservation)) {
            location = DEFAULT_LOCATION;
        }
        requireWhatTheOperationNeeds(operation, location, channel, reference);
        return new Mutation(mutationId, sku, location, channel, reference, principal,
                occurredAtMs(in), createdAtMs(in),
                in.hasNotAfter() ? Fields.time("not_after", in.getNotAfter()) : 0,
                in.hasExpectedSequence()
                        ? Fields.between("expected_sequence", in.getExpectedSequence(), 0, Long.MAX_VALUE)
                        : Mutation.ANY_SEQUENCE,
                contentFingerprint(in), operation);
    }

    private Operation operation(io.stockledger.v1.Mutation in) throws InvalidRequest {
        return switch (in.getOperationCase()) {
            case EXPECT -> new Operation.Expect(Fields.quantity("expect.quantity", in.getExpect().getQuantity()));
            case CANCEL_EXPECTED -> new Operation.CancelExpected(
                    Fields.quantity("cancel_expected.quantity", in.getCancelExpected().getQuantity()));
            case RECEIVE -> new Operation.Receive(
                    Fields.quantity("receive.quantity", in.getReceive().getQuantity()),
                    in.getReceive().getFromExpected());
            case RESERVE -> new Operation.Reserve(
                    Fields.quantity("reserve.quantity", in.getReserve().getQuantity()),
                    Fields.timeToLiveMs("reserve.time_to_live", in.getReserve().getTimeToLive()));
            case EXTEND -> new Operation.Extend(
                    reservationId("extend", in.getExtend().getReservationId()),
                    Fields.timeToLiveMs("extend.time_to_live", in.getExtend().getTimeToLive()));
            case RELEASE -> new Operation.Release(
                    reservationId("release", in.getRelease().getReservationId()),
                    part("release", in.getRelease().hasQuantity(), in.getRelease().getQuantity()));
            case COMMIT -> new Operation.Commit(
                    reservationId("commit", in.getCommit().getReservationId()),
                    part("commit", in.getCommit().hasQuantity(), in.getCommit().getQuantity()));
            case FULFILL -> new Operation.Fulfill(
                    reservationId("fulfill", in.getFulfill().getReservationId()),
                    part("fulfill", in.getFulfill().hasQuantity(), in.getFulfill().getQuantity()));
            case CANCEL_COMMITTED -> new Operation.CancelCommitted(
                    reservationId("cancel_committed", in.getCancelCommitted().getReservationId()),
                    part("cancel_committed", in.getCancelCommitted().hasQuantity(),
                            in.getCancelCommitted().getQuantity()));
            case SELL -> new Operation.Sell(
                    Fields.quantity("sell.quantity", in.getSell().getQuantity()),
                    in.getSell().getAlreadyHappened());
            case RETURN -> new Operation.Return(
                    Fields.quantity("return.quantity", in.getReturn().getQuantity()),
                    reason("return.unavailable_reason", in.getReturn().getUnavailableReason(), false));
            case SET_ASIDE -> new Operation.SetAside(
                    Fields.quantity("set_aside.quantity", in.getSetAside().getQuantity()),
                    reason("set_aside.reason", in.getSetAside().getReason(), true));
            case PUT_BACK -> new Operation.PutBack(
                    Fields.quantity("put_back.quantity", in.getPutBack().getQuantity()),
                    reason("put_back.reason", in.getPutBack().getReason(), true));
            case SHIP_TRANSFER -> new Operation.ShipTransfer(
                    Fields.quantity("ship_transfer.quantity", in.getShipTransfer().getQuantity()),
                    Fields.requiredText("ship_transfer.to_location", in.getShipTransfer().getToLocation(),
                            Fields.LOCATION_MAX));
            case RECEIVE_TRANSFER -> new Operation.ReceiveTransfer(
                    Fields.quantity("receive_transfer.quantity", in.getReceiveTransfer().getQuantity()));
            case ADJUST -> adjust(in.getAdjust());
            case COUNT -> count(in.getCount());
            case SET_SAFETY_STOCK -> new Operation.SetSafetyStock(Fields.between("set_safety_stock.quantity",
                    in.getSetSafetyStock().getQuantity(), 0, Limits.QUANTITY_MAX));
            case SET_CHANNEL_ALLOCATION -> allocation(in.getSetChannelAllocation());
            case OPERATION_NOT_SET -> throw InvalidRequest.field("operation",
                    "is required, and must be one that this ledger knows");
        };
    }

    private static void requireWhatTheOperationNeeds(Operation operation, String location, String channel,
            String reference) throws InvalidRequest {
        boolean onIncoming = operation instanceof Operation.Expect
                || operation instanceof Operation.CancelExpected
                || operation instanceof Operation.Receive receive && receive.fromExpected()
                || operation instanceof Operation.ShipTransfer
                || operation instanceof Operation.ReceiveTransfer;
        if (onIncoming && reference.isEmpty()) {
            throw InvalidRequest.field("reference", "is required for incoming units");
        }
        if (operation instanceof Operation.SetChannelAllocation && channel.isEmpty()) {
            throw InvalidRequest.field("channel", "is required for an allocation");
        }
        if (operation instanceof Operation.ShipTransfer ship && ship.toLocation().equals(location)) {
            throw InvalidRequest.field("ship_transfer.to_location", "is where the units are already");
        }
    }

    private static String reservationId(String operation, String id) throws InvalidRequest {
        return Fields.requiredText(operation + ".reservation_id", id, Fields.MUTATION_ID_MAX);
    }

    private static OptionalLong part(String operation, boolean given, long quantity) throws InvalidRequest {
        return given ? OptionalLong.of(Fields.quantity(operation + ".quantity", quantity)) : OptionalLong.empty();
    }

    private static Operation adjust(io.stockledger.v1.Adjust in) throws InvalidRequest {
        long delta = Fields.between("adjust.quantity_delta", in.getQuantityDelta(),
                -Limits.QUANTITY_MAX, Limits.QUANTITY_MAX);
        if (delta == 0) {
            throw InvalidRequest.field("adjust.quantity_delta", "must not be zero");
        }
        AdjustReason reason = switch (in.getReason()) {
            case ADJUST_REASON_SHRINKAGE -> AdjustReason.SHRINKAGE;
            case ADJUST_REASON_DAMAGED -> AdjustReason.DAMAGED;
            case ADJUST_REASON_FOUND -> AdjustReason.FOUND;
            case ADJUST_REASON_CORRECTION -> AdjustReason.CORRECTION;
            case ADJUST_REASON_OTHER -> AdjustReason.OTHER;
            case ADJUST_REASON_UNSPECIFIED -> throw InvalidRequest.field("adjust.reason", "is required");
            case UNRECOGNIZED -> throw InvalidRequest.field("adjust.reason", "is not one that this ledger knows");
        };
        return new Operation.Adjust(delta, reason);
    }

    private Operation count(io.stockledger.v1.Count in) throws InvalidRequest {
        long counted = Fields.between("count.counted", in.getCounted(), 0, Limits.QUANTITY_MAX);
        return switch (in.getReadCase()) {
            case AT_SEQUENCE -> new Operation.Count(counted,
                    Fields.between("count.at_sequence", in.getAtSequence(), 1, Long.MAX_VALUE), 0,
                    OptionalLong.empty());
            case AT_TIME -> {
                long atTimeMs = Fields.time("count.at_time", in.getAtTime());
                if (atTimeMs > clock.millis()) {
                    throw InvalidRequest.field("count.at_time", "is ahead of the ledger's clock");
                }
                yield new Operation.Count(counted, 0, atTimeMs, OptionalLong.empty());
            }
            case READ_NOT_SET -> new Operation.Count(counted, 0, 0, OptionalLong.empty());
        };
    }

    private static Operation allocation(io.stockledger.v1.SetChannelAllocation in) throws InvalidRequest {
        long guaranteed = Fields.between("set_channel_allocation.guaranteed", in.getGuaranteed(), 0,
                Limits.QUANTITY_MAX);
        long maximum = in.hasMaximum()
                ? Fields.between("set_channel_allocation.maximum", in.getMaximum(), guaranteed, Limits.QUANTITY_MAX)
                : Allocation.UNBOUNDED;
        return new Operation.SetChannelAllocation(guaranteed, maximum);
    }

    private static UnavailableReason reason(String field, io.stockledger.v1.UnavailableReason reason,
            boolean required) throws InvalidRequest {
        return switch (reason) {
            case UNAVAILABLE_REASON_DAMAGED -> UnavailableReason.DAMAGED;
            case UNAVAILABLE_REASON_QUALITY_CONTROL -> UnavailableReason.QUALITY_CONTROL;
            case UNAVAILABLE_REASON_OTHER -> UnavailableReason.OTHER;
            case UNAVAILABLE_REASON_UNSPECIFIED -> {
                if (required) {
                    throw InvalidRequest.field(field, "is required");
                }
                yield UnavailableReason.NONE;
            }
            case UNRECOGNIZED -> throw InvalidRequest.field(field, "is not one that this ledger knows");
        };
    }

    private long occurredAtMs(io.stockledger.v1.Mutation in) throws InvalidRequest {
        if (!in.hasOccurredAt()) {
            return 0;
        }
        long timeMs = Fields.time("occurred_at", in.getOccurredAt());
        if (timeMs > clock.millis() + Fields.CLOCK_SKEW_MAX_MS) {
            throw InvalidRequest.field("occurred_at", "is more than a minute ahead of the ledger's clock");
        }
        return timeMs;
    }

    /**
     * A created_at ahead of time is refused, not passed over: on a later resend it would count, and the id would be
     * searched for among ids that were never compared with it.
     */
    private long createdAtMs(io.stockledger.v1.Mutation in) throws InvalidRequest {
        if (!in.hasCreatedAt()) {
            return 0;
        }
        long timeMs = Fields.time("created_at", in.getCreatedAt());
        if (timeMs > clock.millis() + Fields.CLOCK_SKEW_MAX_MS) {
            throw new InvalidRequest(Errors.status(Code.INVALID_ARGUMENT, "CREATED_AT_AHEAD",
                    "created_at is more than a minute ahead of the ledger's clock; set the caller's clock"));
        }
        return timeMs;
    }

    /** The first 8 bytes of the SHA-256 of all fields but created_at and not_after, in the contract's wire form. */
    private static long contentFingerprint(io.stockledger.v1.Mutation in) {
        byte[] bytes = in.toByteArray();
        MessageDigest sha = SHA_256.get();
        if (!in.hasCreatedAt() && !in.hasNotAfter()) {
            return first8(sha.digest(bytes));
        }
        try {
            // Left out where they stand: making a second message without them costs more than all the rest.
            CodedInputStream fields = CodedInputStream.newInstance(bytes);
            int kept = 0;
            int from = 0;
            for (int tag = fields.readTag(); tag != 0; tag = fields.readTag()) {
                fields.skipField(tag);
                int to = fields.getTotalBytesRead();
                int field = WireFormat.getTagFieldNumber(tag);
                if (field == io.stockledger.v1.Mutation.CREATED_AT_FIELD_NUMBER
                        || field == io.stockledger.v1.Mutation.NOT_AFTER_FIELD_NUMBER) {
                    sha.update(bytes, kept, from - kept);
                    kept = to;
                }
                from = to;
            }
            sha.update(bytes, kept, bytes.length - kept);
            return first8(sha.digest());
        } catch (IOException e) {
            throw new UncheckedIOException("a message can't be read from its own bytes", e);
        }
    }

    private static long first8(byte[] digest) {
        return ByteBuffer.wrap(digest).getLong();
    }
}
