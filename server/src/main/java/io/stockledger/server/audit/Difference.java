package io.stockledger.server.audit;

import io.stockledger.server.domain.Allocation;
import io.stockledger.server.domain.Balance;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Where two balances of one location differ, in words: only what differs is told. */
record Difference(String expected, String found) {
    /** Empty where they are the same. */
    static Optional<Difference> between(Balance expected, Balance found) {
        if (expected.equals(found)) {
            return Optional.empty();
        }
        List<String> one = new ArrayList<>();
        List<String> other = new ArrayList<>();
        part("available", expected.available(), found.available(), one, other);
        part("reserved", expected.reserved(), found.reserved(), one, other);
        part("committed", expected.committed(), found.committed(), one, other);
        part("damaged", expected.damaged(), found.damaged(), one, other);
        part("in quality control", expected.qualityControl(), found.qualityControl(), one, other);
        part("unavailable for other reasons", expected.otherUnavailable(), found.otherUnavailable(), one, other);
        part("incoming", expected.incoming(), found.incoming(), one, other);
        part("safety stock", expected.safetyStock(), found.safetyStock(), one, other);
        if (!expected.allocations().equals(found.allocations())) {
            one.add(allocations(expected));
            other.add(allocations(found));
        }
        String at = " at " + expected.location();
        return Optional.of(new Difference(String.join(", ", one) + at, String.join(", ", other) + at));
    }

    private static void part(String name, long expected, long found, List<String> one, List<String> other) {
        if (expected != found) {
            one.add(expected + " " + name);
            other.add(found + " " + name);
        }
    }

    private static String allocations(Balance balance) {
        return balance.allocations().isEmpty() ? "no allocations" : balance.allocations().stream()
                .map(Difference::allocation).collect(Collectors.joining(", ", "allocations of ", ""));
    }

    private static String allocation(Allocation allocation) {
        return allocation.channel() + " (guaranteed " + allocation.guaranteed()
                + (allocation.bounded() ? ", maximum " + allocation.maximum() : "") + ", used " + allocation.used() + ")";
    }
}
