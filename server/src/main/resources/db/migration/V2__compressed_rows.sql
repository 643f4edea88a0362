-- Entries of one row repeat their SKU, places and times. PostgreSQL compresses
-- the payload of a row beyond 2 KB as it stores it: less than half the bytes in
-- the table and in the log, and since a commit waits for its bytes to reach the
-- disk, faster too. What was written before stays as it is. The header's columns
-- are made before, and octet_length tells a size without unpacking.
ALTER TABLE event_journal ALTER COLUMN event_payload SET STORAGE EXTENDED;

-- lz4 costs a fraction of pglz, where the server was built with it.
DO $$
BEGIN
  ALTER TABLE event_journal ALTER COLUMN event_payload SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END
$$;

-- Most of a large snapshot is fingerprints, as good as random: trying to compress
-- them is work for nothing.
ALTER TABLE snapshot ALTER COLUMN snapshot_payload SET STORAGE EXTERNAL;
