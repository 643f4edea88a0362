package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.AuditVerdict;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** An audit of more SKUs than one call takes reads as one. */
class AuditCallsTest {

    private static Iterator<AuditResponse> answers(AuditRequest request) {
        String sku = request.getSkus(0);
        boolean clean = !sku.equals("BAD");
        List<AuditResponse> messages = new ArrayList<>();
        if (!clean) {
            messages.add(AuditResponse.newBuilder().setFinding(AuditFinding.newBuilder().setSku(sku)).build());
        }
        messages.add(AuditResponse.newBuilder().setVerdict(AuditVerdict.newBuilder().setSku(sku).setClean(clean)).build());
        messages.add(AuditResponse.newBuilder()
                .setTotal(AuditTotal.newBuilder().setSkus(1).setRows(2).setEntries(3).setFindings(clean ? 0 : 1).setClean(clean))
                .build());
        return messages.iterator();
    }

    @Test
    void eachCallsMessagesComeInTurnAndOneTotalAtTheEnd() {
        AuditCalls audit = new AuditCalls(
                Stream.of("MUG", "BAD", "PEN").map(sku -> AuditRequest.newBuilder().addSkus(sku).build()).iterator(),
                AuditCallsTest::answers);
        List<AuditResponse> all = new ArrayList<>();
        audit.forEachRemaining(all::add);
        assertEquals(List.of("VERDICT", "FINDING", "VERDICT", "VERDICT", "TOTAL"),
                all.stream().map(message -> message.getMessageCase().name()).toList());
        assertEquals(AuditTotal.newBuilder().setSkus(3).setRows(6).setEntries(9).setFindings(1).setClean(false).build(),
                all.get(4).getTotal());
        assertThrows(NoSuchElementException.class, audit::next);
    }

    @Test
    void anAuditOfNothingIsClean() {
        AuditCalls audit = new AuditCalls(Stream.<AuditRequest>empty().iterator(), AuditCallsTest::answers);
        assertEquals(AuditTotal.newBuilder().setClean(true).build(), audit.next().getTotal());
    }
}
