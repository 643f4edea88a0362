package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The ledger's audit of itself as it is noted in the store, and the right to do it: one node at a time has that, by an
 * advisory lock of a session of its own, which ends with the process.
 */
public final class AuditRound implements AutoCloseable {
    /** Any number will do that nobody else takes: "SLAUDIT" in ASCII. */
    private static final long KEY = 0x534C4155444954L;

    private final Database database;
    private Connection session;

    public AuditRound(Database database) {
        this.database = database;
    }

    /**
     * How far it is.
     *
     * @param lastSku the last that the round has done; empty: it begins
     * @param endedAtMs when the last whole round ended; 0: none did
     * @param endedFindings what that found
     */
    public record Notes(String lastSku, long skus, long rows, long entries, long findings, long endedAtMs, long endedFindings) {}

    /** Takes the right to do it, or finds that it has it; false: another node does it. */
    public boolean take() throws SQLException {
        if (session != null && session.isValid(2)) {
            return true;
        }
        close();
        session = database.connect();
        try (PreparedStatement take = session.prepareStatement("SELECT pg_try_advisory_lock(?)")) {
            take.setLong(1, KEY);
            try (ResultSet taken = take.executeQuery()) {
                if (taken.next() && taken.getBoolean(1)) {
                    return true;
                }
            }
        }
        close();
        return false;
    }

    public Notes read() throws SQLException {
        try (Connection connection = database.reads().getConnection(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT last_sku, skus, journal_rows, entries, findings, ended_at_ms, ended_findings"
                        + " FROM audit_round")) {
            if (!row.next()) {
                throw new SQLException("audit_round has no row");
            }
            return new Notes(row.getString(1), row.getLong(2), row.getLong(3), row.getLong(4), row.getLong(5), row.getLong(6), row.getLong(7));
        }
    }

    /** Writes them down, without waiting for the disk: what is lost is only done once more. */
    public void write(Notes notes) throws SQLException {
        String update = "UPDATE audit_round SET last_sku = ?, skus = ?, journal_rows = ?, entries = ?, findings = ?, ended_at_ms = ?, ended_findings = ?";
        try (Connection connection = database.reads().getConnection()) {
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement(); PreparedStatement write = connection.prepareStatement(update)) {
                statement.execute("SET LOCAL synchronous_commit = off");
                write.setString(1, notes.lastSku());
                write.setLong(2, notes.skus());
                write.setLong(3, notes.rows());
                write.setLong(4, notes.entries());
                write.setLong(5, notes.findings());
                write.setLong(6, notes.endedAtMs());
                write.setLong(7, notes.endedFindings());
                write.executeUpdate();
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    @Override
    public void close() throws SQLException {
        if (session != null) {
            session.close();
            session = null;
        }
    }
}
