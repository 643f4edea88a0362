package io.stockledger.client;

import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;

/** An audit that takes more than one call, as one: each call's messages in turn, and one total at the end. */
final class AuditCalls implements Iterator<AuditResponse> {

    private final Iterator<AuditRequest> requests;
    private final Function<AuditRequest, Iterator<AuditResponse>> call;
    private final AuditTotal.Builder total = AuditTotal.newBuilder().setClean(true);
    private Iterator<AuditResponse> messages = Collections.emptyIterator();
    private Optional<AuditResponse> next = Optional.empty();
    private boolean ended;

    AuditCalls(Iterator<AuditRequest> requests, Function<AuditRequest, Iterator<AuditResponse>> call) {
        this.requests = requests;
        this.call = call;
    }

    @Override
    public boolean hasNext() {
        while (next.isEmpty() && !ended) {
            if (messages.hasNext()) {
                take(messages.next());
            } else if (requests.hasNext()) {
                messages = call.apply(requests.next());
            } else {
                ended = true;
                next = Optional.of(AuditResponse.newBuilder().setTotal(total).build());
            }
        }
        return next.isPresent();
    }

    private void take(AuditResponse message) {
        if (!message.hasTotal()) {
            next = Optional.of(message);
            return;
        }
        AuditTotal more = message.getTotal();
        total.setSkus(total.getSkus() + more.getSkus())
                .setRows(total.getRows() + more.getRows())
                .setEntries(total.getEntries() + more.getEntries())
                .setFindings(total.getFindings() + more.getFindings())
                .setClean(total.getClean() && more.getClean());
    }

    @Override
    public AuditResponse next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        AuditResponse message = next.orElseThrow();
        next = Optional.empty();
        return message;
    }
}
