-- The older ids of a hot SKU are megabytes that hardly change from one snapshot
-- to the next: parts that are never changed once made, each stored once for all
-- snapshots of its SKU that hold it.
CREATE TABLE snapshot_part (
  persistence_id TEXT COLLATE "C" NOT NULL,
  -- What snapshots call it by: made from its bytes.
  part BIGINT NOT NULL,
  -- sequence_number of the newest snapshot that holds it.
  newest_snapshot BIGINT NOT NULL,
  payload BYTEA NOT NULL,
  PRIMARY KEY (persistence_id, part)
) WITH (fillfactor = 50);
-- As good as random.
ALTER TABLE snapshot_part ALTER COLUMN payload SET STORAGE EXTERNAL;

-- A part goes with the last snapshot that holds it.
CREATE OR REPLACE FUNCTION keep_two_snapshots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM snapshot s WHERE s.persistence_id = NEW.persistence_id AND s.sequence_number < (
    SELECT min(n.sequence_number) FROM (
      SELECT sequence_number FROM snapshot WHERE persistence_id = NEW.persistence_id
      ORDER BY sequence_number DESC LIMIT 2) n);
  DELETE FROM snapshot_part p WHERE p.persistence_id = NEW.persistence_id AND p.newest_snapshot < (
    SELECT min(s.sequence_number) FROM snapshot s WHERE s.persistence_id = NEW.persistence_id);
  RETURN NULL;
END
$$;
