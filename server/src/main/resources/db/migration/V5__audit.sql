-- How far the ledger's audit of itself is. One row, written about once a minute.
CREATE TABLE audit_round (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  -- The last SKU that the round has done; empty: it begins.
  last_sku TEXT COLLATE "C" NOT NULL DEFAULT '',
  skus BIGINT NOT NULL DEFAULT 0,
  journal_rows BIGINT NOT NULL DEFAULT 0,
  entries BIGINT NOT NULL DEFAULT 0,
  findings BIGINT NOT NULL DEFAULT 0,
  -- Of the last round that came to its end: when, and what it found. 0: none did.
  ended_at_ms BIGINT NOT NULL DEFAULT 0,
  ended_findings BIGINT NOT NULL DEFAULT 0
);
INSERT INTO audit_round DEFAULT VALUES;
