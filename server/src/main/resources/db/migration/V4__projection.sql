-- Stock as SQL tables, for any tool that speaks SQL: built from the feed, never
-- asked by the ledger for a decision, dropped and built anew at any time.
--
-- There are two sets of tables, a and b. One is shown by the views and kept up;
-- the other is empty, or being built. A rebuild ends by one UPDATE of `sets`: a
-- query sees the one set or the other, whole, and waits for nothing.
CREATE SCHEMA projection;

CREATE TABLE projection.sets (
  name TEXT PRIMARY KEY CHECK (name IN ('a', 'b')),
  -- asked: to be emptied and built; old: shown until a moment ago, to be emptied.
  state TEXT NOT NULL CHECK (state IN ('empty', 'asked', 'building', 'shown', 'old')),
  state_since TIMESTAMPTZ NOT NULL DEFAULT now(),
  -- How far the set has come in the feed: after the row (tx, ordering), or after
  -- the first `taken` entries of that row. It moves in the transaction that
  -- writes what those entries changed, so each entry counts exactly once.
  feed_epoch INTEGER NOT NULL DEFAULT 0,
  tx XID8 NOT NULL DEFAULT '0',
  ordering BIGINT NOT NULL DEFAULT 0,
  taken INTEGER NOT NULL DEFAULT 2147483647,
  -- Everything that the ledger committed before this is in the set; ms since
  -- 1970 by the ledger's clock, 0: not known yet.
  complete_ms BIGINT NOT NULL DEFAULT 0,
  -- Entries taken over so far.
  entries BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
INSERT INTO projection.sets (name, state) VALUES ('a', 'asked'), ('b', 'empty');

-- Names are compared by bytes, as in the journal. The tables leave room in their
-- pages, so that a changed row stays where it is and no index hears of it.
DO $$
DECLARE
  name TEXT;
BEGIN
  FOREACH name IN ARRAY ARRAY['a', 'b'] LOOP
    EXECUTE format($table$
      CREATE TABLE projection.stock_%1$s (
        sku TEXT COLLATE "C" NOT NULL,
        location TEXT COLLATE "C" NOT NULL,
        available BIGINT NOT NULL,
        reserved BIGINT NOT NULL,
        committed BIGINT NOT NULL,
        unavailable BIGINT NOT NULL,
        damaged BIGINT NOT NULL,
        quality_control BIGINT NOT NULL,
        incoming BIGINT NOT NULL,
        safety_stock BIGINT NOT NULL,
        available_to_sell BIGINT NOT NULL,
        allocations JSONB,
        sequence BIGINT NOT NULL,
        recorded_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (sku, location)
      ) WITH (fillfactor = 70)$table$, name);
    EXECUTE format('CREATE INDEX ON projection.stock_%1$s (location, sku)', name);
    EXECUTE format($table$
      CREATE TABLE projection.reservations_%1$s (
        sku TEXT COLLATE "C" NOT NULL,
        reservation_id TEXT COLLATE "C" NOT NULL,
        open BOOLEAN NOT NULL,
        location TEXT COLLATE "C" NOT NULL,
        channel TEXT COLLATE "C" NOT NULL,
        reference TEXT NOT NULL,
        quantity BIGINT NOT NULL,
        held BIGINT NOT NULL,
        committed BIGINT NOT NULL,
        released BIGINT NOT NULL,
        expired BIGINT NOT NULL,
        fulfilled BIGINT NOT NULL,
        cancelled BIGINT NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        sequence BIGINT NOT NULL,
        recorded_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (sku, reservation_id)
      ) WITH (fillfactor = 70)$table$, name);
    EXECUTE format('CREATE INDEX ON projection.reservations_%1$s (sku, reservation_id) WHERE open', name);
    EXECUTE format($table$
      CREATE TABLE projection.daily_movements_%1$s (
        day DATE NOT NULL,
        sku TEXT COLLATE "C" NOT NULL,
        location TEXT COLLATE "C" NOT NULL,
        to_location TEXT COLLATE "C" NOT NULL,
        from_bucket TEXT COLLATE "C" NOT NULL,
        to_bucket TEXT COLLATE "C" NOT NULL,
        kind TEXT COLLATE "C" NOT NULL,
        channel TEXT COLLATE "C" NOT NULL,
        units BIGINT NOT NULL,
        entries BIGINT NOT NULL,
        PRIMARY KEY (sku, day, location, to_location, from_bucket, to_bucket, kind, channel)
      ) WITH (fillfactor = 70)$table$, name);
    EXECUTE format('CREATE INDEX ON projection.daily_movements_%1$s USING brin (day)', name);
  END LOOP;
END
$$;

-- The planner asks `sets` once a query; the set that is not shown is not read.
CREATE VIEW projection.stock AS
  WITH both_sets AS NOT MATERIALIZED (
    SELECT * FROM projection.stock_a WHERE (SELECT s.state FROM projection.sets s WHERE s.name = 'a') = 'shown'
    UNION ALL
    SELECT * FROM projection.stock_b WHERE (SELECT s.state FROM projection.sets s WHERE s.name = 'b') = 'shown')
  SELECT sku, location, available, reserved, committed, unavailable, damaged, quality_control, incoming, safety_stock,
         available + reserved + committed + unavailable AS on_hand, available_to_sell, allocations, sequence, recorded_at
  FROM both_sets;

CREATE VIEW projection.reservations AS
  SELECT * FROM projection.reservations_a WHERE (SELECT s.state FROM projection.sets s WHERE s.name = 'a') = 'shown'
  UNION ALL
  SELECT * FROM projection.reservations_b WHERE (SELECT s.state FROM projection.sets s WHERE s.name = 'b') = 'shown';

CREATE VIEW projection.daily_movements AS
  SELECT * FROM projection.daily_movements_a WHERE (SELECT s.state FROM projection.sets s WHERE s.name = 'a') = 'shown'
  UNION ALL
  SELECT * FROM projection.daily_movements_b WHERE (SELECT s.state FROM projection.sets s WHERE s.name = 'b') = 'shown';

-- How fresh the other views are; no row: the first build is under way. What is
-- not in the set yet was committed after it was written, and nothing is written
-- here while nothing happens: so the newest rows of the journal tell.
CREATE VIEW projection.freshness AS
  SELECT cursor, up_to_date, as_of_time, greatest(now() - as_of_time, interval '0') AS age
  FROM (
    SELECT s.tx::text || '-' || s.ordering || CASE WHEN s.taken = 2147483647 THEN '' ELSE '-' || s.taken END AS cursor,
           missing.rows = 0 AS up_to_date,
           CASE WHEN missing.rows = 0 THEN now()
                WHEN missing.rows < 1000 THEN to_timestamp(greatest(s.complete_ms, missing.oldest_ms) / 1000.0)
                ELSE to_timestamp(s.complete_ms / 1000.0) END AS as_of_time
    FROM projection.sets s CROSS JOIN LATERAL (
      SELECT count(*) AS rows, min(newer.write_timestamp) AS oldest_ms FROM (
        SELECT j.write_timestamp FROM event_journal j
        WHERE (j.tx, j.ordering) > (s.tx, s.ordering - CASE WHEN s.taken = 2147483647 THEN 0 ELSE 1 END)
        ORDER BY j.tx, j.ordering LIMIT 1000) newer) missing
    WHERE s.state = 'shown') shown;

COMMENT ON VIEW projection.stock IS 'Units by SKU and location.';
COMMENT ON COLUMN projection.stock.sequence IS 'The SKU''s last entry that touched this location.';
COMMENT ON COLUMN projection.stock.available_to_sell IS 'On a channel without an allocation.';
COMMENT ON VIEW projection.reservations IS 'Every reservation, open or closed: quantity = held + committed + released + expired + fulfilled + cancelled.';
COMMENT ON COLUMN projection.reservations.sequence IS 'The entry that made it.';
COMMENT ON COLUMN projection.reservations.recorded_at IS 'When its last entry was recorded.';
COMMENT ON VIEW projection.daily_movements IS 'Units moved, by day (UTC, by recorded_at), SKU, location, buckets, kind and channel.';
COMMENT ON VIEW projection.freshness IS 'Everything committed before as_of_time is in the other views.';
