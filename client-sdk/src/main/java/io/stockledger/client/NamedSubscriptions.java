package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.stockledger.v1.DeleteSubscriptionRequest;
import io.stockledger.v1.DropParkedEntryRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc.FeedServiceBlockingStub;
import io.stockledger.v1.GetSubscriptionRequest;
import io.stockledger.v1.ListParkedEntriesRequest;
import io.stockledger.v1.ListParkedEntriesResponse;
import io.stockledger.v1.ListSubscriptionsRequest;
import io.stockledger.v1.ListSubscriptionsResponse;
import io.stockledger.v1.NamedSubscription;
import io.stockledger.v1.ParkEntryRequest;
import io.stockledger.v1.ParkedEntry;
import io.stockledger.v1.RetryParkedEntryRequest;
import io.stockledger.v1.RewindSubscriptionRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * What an operator does with the subscriptions that the ledger remembers. All may be asked again safely; where the first
 * answer was lost, a second deletion or drop says that there is no such thing any more.
 *
 * <p>A name or a parked entry that is not there: {@link LedgerException} with the reason {@code SUBSCRIPTION_NOT_FOUND}
 * or {@code PARKED_ENTRY_NOT_FOUND}.
 */
public final class NamedSubscriptions {

    private static final int REASON_MAX = 1_000;

    private final Caller caller;

    /** How a call of FeedService is made. */
    interface Caller {
        <T> T call(Function<FeedServiceBlockingStub, T> call);
    }

    NamedSubscriptions(Caller caller) {
        this.caller = caller;
    }

    /** All of them, by name; fetched whole. */
    public List<NamedSubscription> list() {
        List<NamedSubscription> all = new ArrayList<>();
        String token = "";
        do {
            ListSubscriptionsRequest request =
                    ListSubscriptionsRequest.newBuilder().setPageToken(token).build();
            ListSubscriptionsResponse page = caller.call(stub -> stub.listSubscriptions(request));
            all.addAll(page.getSubscriptionsList());
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return all;
    }

    /** One of them: its consumers, and how far they are behind. */
    public NamedSubscription get(String name) {
        GetSubscriptionRequest request =
                GetSubscriptionRequest.newBuilder().setName(name).build();
        return caller.call(stub -> stub.getSubscription(request)).getSubscription();
    }

    /** Forgets a name, its cursor and its parked entries; its consumers' subscriptions end. */
    public void delete(String name) {
        DeleteSubscriptionRequest request =
                DeleteSubscriptionRequest.newBuilder().setName(name).build();
        caller.call(stub -> stub.deleteSubscription(request));
    }

    /**
     * Has a name go on with the first entry recorded at or after this time.
     *
     * @return whether that is the beginning: the ledger recorded no entry before
     */
    public boolean rewind(String name, Instant time) {
        return rewind(RewindSubscriptionRequest.newBuilder().setName(name).setTime(Times.timestamp(time)));
    }

    /** Has a name go on after this cursor. */
    public void rewind(String name, ByteString cursor) {
        rewind(RewindSubscriptionRequest.newBuilder().setName(name).setCursor(cursor));
    }

    /** Has a name begin again. */
    public void rewindToBeginning(String name) {
        rewind(RewindSubscriptionRequest.newBuilder().setName(name).setBeginning(true));
    }

    private boolean rewind(RewindSubscriptionRequest.Builder request) {
        return caller.call(stub -> stub.rewindSubscription(request.build())).getBeginning();
    }

    /** Puts an entry aside that a consumer can't apply; on disk once this returns. Of the reason 1,000 characters are kept. */
    public void park(String name, Entry entry, String reason) {
        String text = reason.isBlank() ? "no reason given" : printable(reason);
        ParkEntryRequest request = ParkEntryRequest.newBuilder()
                .setName(name)
                .setSku(entry.getSku())
                .setSequence(entry.getSequence())
                .setReason(text)
                .build();
        caller.call(stub -> stub.parkEntry(request));
    }

    /** An exception's message may hold line ends, and more than there is room for. */
    private static String printable(String reason) {
        StringBuilder text = new StringBuilder();
        reason.codePoints().limit(REASON_MAX).map(c -> Character.isISOControl(c) ? ' ' : c).forEach(text::appendCodePoint);
        return text.toString();
    }

    /** A name's parked entries, by SKU and sequence; fetched whole, at most 10,000 (a setting of the ledger). */
    public List<ParkedEntry> parked(String name) {
        List<ParkedEntry> all = new ArrayList<>();
        String token = "";
        do {
            ListParkedEntriesRequest request = ListParkedEntriesRequest.newBuilder()
                    .setName(name)
                    .setPageToken(token)
                    .build();
            ListParkedEntriesResponse page = caller.call(stub -> stub.listParkedEntries(request));
            all.addAll(page.getEntriesList());
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return all;
    }

    /** Has a parked entry sent once more; it stays parked until it has been applied. */
    public void retry(String name, String sku, long sequence) {
        RetryParkedEntryRequest request = RetryParkedEntryRequest.newBuilder()
                .setName(name)
                .setSku(sku)
                .setSequence(sequence)
                .build();
        caller.call(stub -> stub.retryParkedEntry(request));
    }

    /** Forgets a parked entry: it is never sent to this name again. */
    public void drop(String name, String sku, long sequence) {
        DropParkedEntryRequest request = DropParkedEntryRequest.newBuilder()
                .setName(name)
                .setSku(sku)
                .setSequence(sequence)
                .build();
        caller.call(stub -> stub.dropParkedEntry(request));
    }
}
