package io.stockledger.server.audit;

/**
 * Something is not as it must be, from this sequence on.
 *
 * @param sequence the first entry in doubt
 */
public record Finding(String sku, Kind kind, long sequence, String expected, String found) {
    /** What a finding is about, and what to do about it. */
    public enum Kind {
        ROW_CHANGED("Somebody or some disk has changed a journal row: stop selling this SKU, restore it from a backup of"
                + " before, and find out who can write to the database. Where it is only a column of the row, the row's header has"
                + " the right number."),
        CHAIN_BROKEN("A journal row was removed, swapped or forged: compare the SKU's rows with a backup, from this entry on."),
        SEQUENCE_GAP("Journal rows are missing or out of order: restore the SKU's rows from a backup, and count the shelf"
                + " before you sell on."),
        BALANCE_DRIFT("An entry says other units than its movements make, so the ledger did not write it as it stands:"
                + " count the shelf, and look at who can write to the database."),
        HOLDS_DRIFT("Reserved or committed units belong to no open reservation, or to more than one: look at the SKU's"
                + " reservations, and set them right by a release or a count."),
        BELOW_ZERO("Units were promised that were not there, and no sale that had already happened and no count says why:"
                + " count the shelf, and look at who can write to the database."),
        ENTRY_MALFORMED("An entry is none that the ledger writes: look at who can write to the database; if a newer release"
                + " wrote it, audit with that one."),
        SNAPSHOT_DRIFT("A snapshot and the entries up to it differ, so one of the two was changed: if an export of chain heads"
                + " agrees with the entries, delete the SKU's rows of snapshot and snapshot_part, else restore the SKU's rows from a backup."),
        PROJECTION_DRIFT("The SQL tables and the entries differ: where nothing else is found of the SKU the tables were edited,"
                + " so have them built anew with 'stockledger rebuild-projection'; else they bear witness to what the entries were before."),
        HEAD_CONTRADICTED("The journal no longer leads to a chain head that was kept elsewhere, so its history was"
                + " rewritten or its end removed: keep the export, and restore the SKU's rows from a backup.");

        private final String advice;

        Kind(String advice) {
            this.advice = advice;
        }

        /** A sentence for the operator. */
        public String advice() {
            return advice;
        }
    }
}
