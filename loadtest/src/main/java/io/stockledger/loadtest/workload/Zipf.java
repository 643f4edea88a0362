package io.stockledger.loadtest.workload;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/** Ranks as sales are spread in most shops: rank r is drawn in proportion to 1 / r. */
final class Zipf {
    private final double[] below;

    Zipf(int ranks) {
        this.below = new double[ranks];
        double sum = 0;
        for (int i = 0; i < ranks; i++) {
            sum += 1.0 / (i + 1);
            below[i] = sum;
        }
        for (int i = 0; i < ranks; i++) {
            below[i] /= sum;
        }
    }

    /** From 0, the rank drawn most often. */
    int draw() {
        int at = Arrays.binarySearch(below, ThreadLocalRandom.current().nextDouble());
        return Math.min(below.length - 1, at >= 0 ? at + 1 : -at - 1);
    }
}
