-- Whoever writes a row packs it, in less time than PostgreSQL took to compress it and into fewer bytes; rows of
-- before stay as they are. A header stands uncompressed in either form, so that SQL reads it from a slice.
ALTER TABLE event_journal ALTER COLUMN event_payload SET STORAGE EXTERNAL;

-- Those that are there met the stricter one: they need not be read for it.
ALTER TABLE event_journal
  DROP CONSTRAINT layout_slg1,
  ADD CONSTRAINT known_layout CHECK (substring(event_payload FROM 1 FOR 4) IN ('\x534c4731'::bytea, '\x534c4732'::bytea)) NOT VALID;

-- Bytes of a packed row once it is unpacked, by which pages of rows are bounded; null where it is stored as it is. A
-- column of its own: to read it from the payload is a look into the table of long values for each row that might be on
-- the page.
ALTER TABLE event_journal ADD COLUMN row_bytes INTEGER;
