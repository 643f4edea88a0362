package io.stockledger.cli;

import io.stockledger.client.Mutations;
import io.stockledger.v1.AdjustReason;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.UnavailableReason;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * A verb a mutation. What a quantity may be, and what is refused, is the
 * ledger's to say; nothing is checked here twice.
 */
final class MutationVerbs {
    /** In the order of a unit's way through the buckets. */
    static final List<String> NAMES = List.of("expect", "cancel-expected", "receive", "reserve", "extend", "release",
            "commit", "fulfill", "cancel-committed", "sell", "return", "set-aside", "put-back", "ship-transfer",
            "receive-transfer", "adjust", "count", "set-safety-stock", "set-channel-allocation");

    private static final String SKU = "The SKU; case matters.";
    private static final String QUANTITY = "Whole units, 1 or more.";
    private static final String RESERVATION = "The id of the reserve.";
    private static final String EXAMPLE = "%nExample:";

    private MutationVerbs() {
    }

    static CommandLine verb(String name) {
        CommandLine verb = Arrays.stream(MutationVerbs.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Command.class) && method.getAnnotation(Command.class).name().equals(name))
                .map(CommandLine::new)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(name + " is listed but has no method"));
        // A quantity below zero is no option: adjust MUG -3.
        return name.equals("adjust") ? verb.setUnmatchedOptionsArePositionalParams(true) : verb;
    }

    @Command(name = "expect", description = {"Units are on order under a purchase order.", "Moves: supplier -> INCOMING."},
            footer = {EXAMPLE, "  stockledger expect MUG 100 --reference PO-7"})
    static int expect(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity) {
        return options.apply(Mutations.expect(sku, quantity, ""));
    }

    @Command(name = "cancel-expected", description = {"Units on order will not come.", "Moves: INCOMING -> supplier."},
            footer = {EXAMPLE, "  stockledger cancel-expected MUG 20 --reference PO-7"})
    static int cancelExpected(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity) {
        return options.apply(Mutations.cancelExpected(sku, quantity, ""));
    }

    @Command(name = "receive", description = {"Units arrive.", "Moves: supplier (or INCOMING) -> AVAILABLE."},
            footer = {EXAMPLE, "  stockledger receive MUG 6", "  stockledger receive MUG 80 --from-expected --reference PO-7"})
    static int receive(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--from-expected", description = "Take them from what is on order under --reference.") boolean fromExpected) {
        return options.apply(fromExpected ? Mutations.receiveExpected(sku, quantity, "") : Mutations.receive(sku, quantity));
    }

    @Command(name = "reserve", description = {"Holds units for a checkout; the mutation's id is the reservation's id.",
            "Moves: AVAILABLE -> RESERVED, up to what the channel may sell."},
            footer = {EXAMPLE, "  stockledger reserve MUG 2 --id cart-1 --channel web --ttl 15m"})
    static int reserve(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--ttl", paramLabel = "TIME", defaultValue = "15m",
                    description = "How long it holds: 1s to 30d (default: ${DEFAULT-VALUE}).") Duration timeToLive) {
        return options.apply(Mutations.reserve(sku, quantity, timeToLive));
    }

    @Command(name = "extend", description = {"A reservation holds for so long from now.", "Moves nothing."},
            footer = {EXAMPLE, "  stockledger extend MUG cart-1 --ttl 30m"})
    static int extend(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "RESERVATION", description = RESERVATION) String reservation,
            @Option(names = "--ttl", paramLabel = "TIME", defaultValue = "15m",
                    description = "How long from now: 1s to 30d (default: ${DEFAULT-VALUE}).") Duration timeToLive) {
        return options.apply(Mutations.extend(sku, reservation, timeToLive));
    }

    @Command(name = "release", description = {"Gives held units back.", "Moves: RESERVED -> AVAILABLE."},
            footer = {EXAMPLE, "  stockledger release MUG cart-1"})
    static int release(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "RESERVATION", description = RESERVATION) String reservation,
            @Parameters(paramLabel = "QUANTITY", arity = "0..1", description = "How many (default: all that is held).") Optional<Long> quantity) {
        return options.apply(quantity.map(units -> Mutations.release(sku, reservation, units))
                .orElseGet(() -> Mutations.release(sku, reservation)));
    }

    @Command(name = "commit", description = {"The order is placed.", "Moves: RESERVED -> COMMITTED."},
            footer = {EXAMPLE, "  stockledger commit MUG cart-1 --reference order-1001"})
    static int commit(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "RESERVATION", description = RESERVATION) String reservation,
            @Parameters(paramLabel = "QUANTITY", arity = "0..1", description = "How many (default: all that is held).") Optional<Long> quantity) {
        return options.apply(quantity.map(units -> Mutations.commit(sku, reservation, units))
                .orElseGet(() -> Mutations.commit(sku, reservation)));
    }

    @Command(name = "fulfill", description = {"The units of an order leave.", "Moves: COMMITTED -> customer."},
            footer = {EXAMPLE, "  stockledger fulfill MUG cart-1"})
    static int fulfill(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "RESERVATION", description = RESERVATION) String reservation,
            @Parameters(paramLabel = "QUANTITY", arity = "0..1", description = "How many (default: all that is committed).") Optional<Long> quantity) {
        return options.apply(quantity.map(units -> Mutations.fulfill(sku, reservation, units))
                .orElseGet(() -> Mutations.fulfill(sku, reservation)));
    }

    @Command(name = "cancel-committed", description = {"An order is cancelled before its units left.", "Moves: COMMITTED -> AVAILABLE."},
            footer = {EXAMPLE, "  stockledger cancel-committed MUG cart-1"})
    static int cancelCommitted(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "RESERVATION", description = RESERVATION) String reservation,
            @Parameters(paramLabel = "QUANTITY", arity = "0..1", description = "How many (default: all that is committed).") Optional<Long> quantity) {
        return options.apply(quantity.map(units -> Mutations.cancelCommitted(sku, reservation, units))
                .orElseGet(() -> Mutations.cancelCommitted(sku, reservation)));
    }

    @Command(name = "sell", description = {"A sale in one step, as at a till.", "Moves: AVAILABLE -> customer, up to what the channel may sell."},
            footer = {EXAMPLE, "  stockledger sell MUG 1 --channel pos --reference till-4"})
    static int sell(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--already-happened",
                    description = "The goods have left: record it even where AVAILABLE falls below zero.") boolean alreadyHappened) {
        return options.apply(alreadyHappened ? Mutations.sellAlreadyHappened(sku, quantity) : Mutations.sell(sku, quantity));
    }

    @Command(name = "return", description = {"Units come back from a customer.", "Moves: customer -> AVAILABLE, or -> UNAVAILABLE with a reason."},
            footer = {EXAMPLE, "  stockledger return MUG 1", "  stockledger return MUG 1 --reason damaged"})
    static int returned(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--reason", paramLabel = "REASON",
                    description = "They may not be sold: damaged, quality-control or other.") Optional<UnavailableReason> reason) {
        return options.apply(reason.map(why -> Mutations.returned(sku, quantity, why)).orElseGet(() -> Mutations.returned(sku, quantity)));
    }

    @Command(name = "set-aside", description = {"Units may not be sold.", "Moves: AVAILABLE -> UNAVAILABLE."},
            footer = {EXAMPLE, "  stockledger set-aside MUG 1 --reason damaged"})
    static int setAside(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--reason", paramLabel = "REASON", required = true,
                    description = "damaged, quality-control or other.") UnavailableReason reason) {
        return options.apply(Mutations.setAside(sku, quantity, reason));
    }

    @Command(name = "put-back", description = {"Units that were set aside may be sold again.", "Moves: UNAVAILABLE -> AVAILABLE."},
            footer = {EXAMPLE, "  stockledger put-back MUG 1 --reason damaged"})
    static int putBack(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--reason", paramLabel = "REASON", required = true,
                    description = "What they had been set aside for: damaged, quality-control or other.") UnavailableReason reason) {
        return options.apply(Mutations.putBack(sku, quantity, reason));
    }

    @Command(name = "ship-transfer", description = {"Units leave for another location.", "Moves: AVAILABLE here -> INCOMING there."},
            footer = {EXAMPLE, "  stockledger ship-transfer MUG 3 --location main --to shop-2 --reference T-9"})
    static int shipTransfer(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity,
            @Option(names = "--to", paramLabel = "LOCATION", required = true, description = "Where to.") String to) {
        return options.apply(Mutations.shipTransfer(sku, quantity, to, ""));
    }

    @Command(name = "receive-transfer", description = {"Units of a transfer arrive.", "Moves: INCOMING -> AVAILABLE."},
            footer = {EXAMPLE, "  stockledger receive-transfer MUG 3 --location shop-2 --reference T-9"})
    static int receiveTransfer(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = QUANTITY) long quantity) {
        return options.apply(Mutations.receiveTransfer(sku, quantity, ""));
    }

    @Command(name = "adjust", description = {"Units turned up, or vanished.", "Moves: AVAILABLE -> shrinkage, or back."},
            footer = {EXAMPLE, "  stockledger adjust MUG -1 --reason shrinkage", "  stockledger adjust MUG 2 --reason found"})
    static int adjust(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "DELTA", description = "Units added (above zero) or taken away (below zero).") long delta,
            @Option(names = "--reason", paramLabel = "REASON", required = true,
                    description = "shrinkage, damaged, found, correction or other.") AdjustReason reason) {
        return options.apply(Mutations.adjust(sku, delta, reason));
    }

    @Command(name = "count", description = {"Somebody counted the shelf.", "Moves: AVAILABLE -> shrinkage, or back, by what differs; breaks no hold."},
            footer = {EXAMPLE, "  stockledger count MUG 5", "  stockledger count MUG 5 --at-sequence 12"})
    static int count(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "COUNTED", description = "Units on the shelf, held and set-aside ones included.") long counted,
            @Option(names = "--at-sequence", paramLabel = "N", description = "The shelf was read when the SKU stood there.") Optional<Long> atSequence,
            @Option(names = "--at-time", paramLabel = "TIME", description = "The shelf was read then (default: now).") Optional<Instant> atTime) {
        if (atSequence.isPresent() && atTime.isPresent()) {
            throw new Failure("name --at-sequence or --at-time, not both");
        }
        Mutation.Builder mutation = atSequence.map(sequence -> Mutations.countAtSequence(sku, counted, sequence))
                .or(() -> atTime.map(time -> Mutations.countAtTime(sku, counted, time)))
                .orElseGet(() -> Mutations.count(sku, counted));
        return options.apply(mutation);
    }

    @Command(name = "set-safety-stock", description = {"Keeps units of AVAILABLE back from every channel.", "Moves nothing."},
            footer = {EXAMPLE, "  stockledger set-safety-stock MUG 2"})
    static int setSafetyStock(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Parameters(paramLabel = "QUANTITY", description = "Units; 0 keeps none back.") long quantity) {
        return options.apply(Mutations.setSafetyStock(sku, quantity));
    }

    @Command(name = "set-channel-allocation", description = {"Gives --channel a share of the SKU, and counts its use from zero; neither "
            + "--guaranteed nor --maximum takes the share away.", "Moves nothing."},
            footer = {EXAMPLE, "  stockledger set-channel-allocation MUG --channel web --guaranteed 2 --maximum 4"})
    static int setChannelAllocation(@Mixin MutationOptions options,
            @Parameters(paramLabel = "SKU", description = SKU) String sku,
            @Option(names = "--guaranteed", paramLabel = "N", defaultValue = "0", description = "Units that no other channel may take.") long guaranteed,
            @Option(names = "--maximum", paramLabel = "N", description = "Units that the channel may take at most (default: unbounded).") Optional<Long> maximum) {
        return options.apply(maximum.map(most -> Mutations.setChannelAllocation(sku, "", guaranteed, most))
                .orElseGet(() -> Mutations.setChannelAllocation(sku, "", guaranteed)));
    }
}
