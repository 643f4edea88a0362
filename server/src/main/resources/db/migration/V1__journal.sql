-- The journal and what belongs to it. Names and types of event_journal and
-- snapshot are those of akka-persistence-jdbc 5.2.1; a test holds them against
-- the plugin's own script, which can't be used itself: it can't run twice.

-- A big-endian long in the fixed header of a payload (layout SLG1), so that SQL
-- reads a row without decoding its entries.
CREATE FUNCTION header_long(payload bytea, at integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (get_byte(payload, at)::bigint << 56)
       | (get_byte(payload, at + 1)::bigint << 48)
       | (get_byte(payload, at + 2)::bigint << 40)
       | (get_byte(payload, at + 3)::bigint << 32)
       | (get_byte(payload, at + 4)::bigint << 24)
       | (get_byte(payload, at + 5)::bigint << 16)
       | (get_byte(payload, at + 6)::bigint << 8)
       | get_byte(payload, at + 7)::bigint
$$;

CREATE TABLE event_journal (
  ordering BIGSERIAL NOT NULL,
  -- The SKU itself. "C": compared by bytes, so no server's locale can reorder
  -- or merge SKUs.
  persistence_id TEXT COLLATE "C" NOT NULL,
  -- Numbers the SKU's rows (groups), not its entries.
  sequence_number BIGINT NOT NULL,
  deleted BOOLEAN DEFAULT FALSE NOT NULL,

  writer VARCHAR(255) NOT NULL,
  write_timestamp BIGINT,
  adapter_manifest VARCHAR(255),

  event_ser_id INTEGER NOT NULL,
  event_ser_manifest VARCHAR(255) NOT NULL,
  event_payload BYTEA NOT NULL,

  meta_ser_id INTEGER,
  meta_ser_manifest VARCHAR(255),
  meta_payload BYTEA,

  -- The transaction that wrote the row: the first part of every cursor.
  -- `ordering` alone is drawn before the transaction's id, so lower numbers
  -- may commit later than higher ones.
  tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- The sequence of the row's first entry.
  first_sequence BIGINT NOT NULL GENERATED ALWAYS AS (header_long(event_payload, 4)) STORED,
  -- When a hold comes due that no earlier row of the SKU has announced; else 0.
  announced_due BIGINT NOT NULL GENERATED ALWAYS AS (header_long(event_payload, 32)) STORED,

  PRIMARY KEY (persistence_id, sequence_number),
  CONSTRAINT layout_slg1 CHECK (substring(event_payload FROM 1 FOR 4) = '\x534c4731'::bytea),
  CONSTRAINT never_deleted CHECK (NOT deleted)
);

-- Compressing costs the write path more than the space is worth; uncompressed,
-- the size and the header of a long payload are read without reading it all.
ALTER TABLE event_journal ALTER COLUMN event_payload SET STORAGE EXTERNAL;

CREATE INDEX event_journal_tail ON event_journal (tx, ordering);
-- Unique: no two rows of a SKU can claim the same entries.
CREATE UNIQUE INDEX event_journal_first_sequence ON event_journal (persistence_id, first_sequence);
CREATE INDEX event_journal_announced_due ON event_journal (announced_due) WHERE announced_due > 0;

CREATE TABLE snapshot (
  persistence_id TEXT COLLATE "C" NOT NULL,
  sequence_number BIGINT NOT NULL,
  created BIGINT NOT NULL,

  snapshot_ser_id INTEGER NOT NULL,
  snapshot_ser_manifest VARCHAR(255) NOT NULL,
  snapshot_payload BYTEA NOT NULL,

  meta_ser_id INTEGER,
  meta_ser_manifest VARCHAR(255),
  meta_payload BYTEA,

  PRIMARY KEY (persistence_id, sequence_number)
);

-- Only the newest two snapshots of a SKU are of use: the second where the first
-- can't be read.
CREATE FUNCTION keep_two_snapshots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM snapshot s WHERE s.persistence_id = NEW.persistence_id AND s.sequence_number < (
    SELECT min(n.sequence_number) FROM (
      SELECT sequence_number FROM snapshot WHERE persistence_id = NEW.persistence_id
      ORDER BY sequence_number DESC LIMIT 2) n);
  RETURN NULL;
END
$$;
CREATE TRIGGER keep_two AFTER INSERT ON snapshot
  FOR EACH ROW EXECUTE FUNCTION keep_two_snapshots();

-- Who this ledger is. A cursor names both, so that a foreign one, or one from
-- before a restore, is never taken for ours.
CREATE TABLE ledger_identity (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  ledger_id UUID NOT NULL,
  feed_epoch INTEGER NOT NULL
);
INSERT INTO ledger_identity (ledger_id, feed_epoch) VALUES (gen_random_uuid(), 1);

-- Up to which announced due time the overdue holds are known to be expired.
CREATE TABLE hold_sweep (
  only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
  swept_until BIGINT NOT NULL
);
INSERT INTO hold_sweep (swept_until) VALUES (0);

-- The journal is append-only, twice: by privilege, also for its owner, and by
-- trigger, also for a superuser who does not mean it.
CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the journal is append-only: % refused', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_journal
  FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON event_journal FROM PUBLIC;
REVOKE UPDATE, DELETE, TRUNCATE ON event_journal FROM CURRENT_USER;

-- Also on a server whose owner set nothing: no session of ours may sit in a
-- transaction, since one that has written holds the feed's watermark back.
DO $$
BEGIN
  EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET idle_in_transaction_session_timeout = %L', current_database(), '10s');
END
$$;
