package io.stockledger.server;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A consumer of a named subscription that keeps what it is told, and acknowledges when the test says so, or at once. */
final class NamedConsumer implements ClientResponseObserver<SubscribeRequest, SubscribeResponse>, AutoCloseable {
    private final RunningLedger ledger;
    private final String name;
    private final String consumer;
    private final boolean acknowledgesAtOnce;
    private final List<SubscribeResponse> messages = new ArrayList<>();
    private Optional<Problem> end = Optional.empty();
    private ClientCallStreamObserver<SubscribeRequest> call;

    private NamedConsumer(RunningLedger ledger, SubscribeRequest request, boolean acknowledgesAtOnce) {
        this.ledger = ledger;
        this.name = request.getName();
        this.consumer = request.getConsumer();
        this.acknowledgesAtOnce = acknowledgesAtOnce;
        FeedServiceGrpc.newStub(ledger.channel()).subscribe(request, this);
    }

    static NamedConsumer applying(RunningLedger ledger, String name, String consumer) {
        return new NamedConsumer(ledger, request(name, consumer).build(), true);
    }

    /** One that acknowledges nothing by itself. */
    static NamedConsumer waiting(RunningLedger ledger, String name, String consumer) {
        return new NamedConsumer(ledger, request(name, consumer).build(), false);
    }

    static SubscribeRequest.Builder request(String name, String consumer) {
        return SubscribeRequest.newBuilder().setName(name).setConsumer(consumer).setHeartbeatIntervalMs(100);
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<SubscribeRequest> stream) {
        call = stream;
    }

    @Override
    public synchronized void onNext(SubscribeResponse message) {
        messages.add(message);
        if (acknowledgesAtOnce && message.getEntriesCount() + message.getRetriedEntriesCount() > 0) {
            FeedServiceGrpc.newFutureStub(ledger.channel()).acknowledgeCursor(acknowledgement(message).build());
        }
    }

    @Override
    public synchronized void onError(Throwable thrown) {
        end = Optional.of(Problem.of(thrown));
    }

    @Override
    public void onCompleted() {}

    AcknowledgeCursorRequest.Builder acknowledgement(SubscribeResponse message) {
        return AcknowledgeCursorRequest.newBuilder().setName(name).setConsumer(consumer).setAcknowledgement(message.getAcknowledgement());
    }

    void acknowledge(SubscribeResponse message) {
        ledger.feed().acknowledgeCursor(acknowledgement(message).build());
    }

    void acknowledgeAll() {
        acknowledge(last());
    }

    synchronized SubscribeResponse last() {
        return messages.get(messages.size() - 1);
    }

    synchronized List<SubscribeResponse> messages() {
        return List.copyOf(messages);
    }

    /** Messages that hold entries. */
    List<SubscribeResponse> full() {
        return messages().stream().filter(message -> message.getEntriesCount() > 0).toList();
    }

    List<Entry> entries() {
        return messages().stream().flatMap(message -> message.getEntriesList().stream()).toList();
    }

    List<Entry> retried() {
        return messages().stream().flatMap(message -> message.getRetriedEntriesList().stream()).toList();
    }

    boolean isCaughtUp() {
        return messages().stream().anyMatch(SubscribeResponse::getCaughtUp);
    }

    synchronized Optional<Problem> end() {
        return end;
    }

    /** As a process that dies: nothing is said, the connection is gone. */
    @Override
    public void close() {
        call.cancel("gone", null);
    }
}
