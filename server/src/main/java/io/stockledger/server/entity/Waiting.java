package io.stockledger.server.entity;

import io.stockledger.server.domain.Mutation;

/** Something that waits for its turn at a SKU. */
sealed interface Waiting {
    void fail(Outcome.Failure failure);

    /** One mutation of a submission, and what has been found out about it so far. */
    final class ForDecision implements Waiting {
        final Submission submission;
        private final int index;
        /** As it came, or with what was looked up for it. */
        Mutation mutation;
        /** Sequences of entries that seem to be its own, newest first. */
        long[] foundAt;
        /** It may be in an entry up to this sequence, whose ids are forgotten; 0: in none of those. */
        long forgottenThrough;
        /** Where the SKU stood when that was told. */
        long toldAt;
        /** Its id is known not to stand in any entry up to this sequence. */
        long clearedThrough;

        ForDecision(Submission submission, int index) {
            this.submission = submission;
            this.index = index;
            this.mutation = submission.mutations().get(index);
        }

        void answer(Outcome outcome) {
            submission.replies().outcome(index, outcome);
        }

        @Override
        public void fail(Outcome.Failure failure) {
            answer(new Outcome.Failed(failure));
        }
    }

    /** A look. */
    record ForLook(Look look) implements Waiting {
        @Override
        public void fail(Outcome.Failure failure) {
            look.reply().failed(failure);
        }
    }
}
