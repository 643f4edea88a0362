-- Durable named subscriptions: how far each has come, slot by slot, and who has
-- the slots. Several nodes share these rows: each change is one short statement
-- that holds only where the generation is still the one that was read.

CREATE TABLE subscription (
  name TEXT COLLATE "C" PRIMARY KEY,
  -- A FeedFilter of the contract, its lists sorted: the same filter, the same bytes.
  filter BYTEA NOT NULL,
  slots INTEGER NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  rewinds BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE subscription_slot (
  name TEXT COLLATE "C" NOT NULL REFERENCES subscription ON DELETE CASCADE,
  slot INTEGER NOT NULL,
  -- The cursor up to which everything of the slot was acknowledged.
  epoch INTEGER NOT NULL,
  tx xid8 NOT NULL,
  ordering BIGINT NOT NULL,
  taken INTEGER NOT NULL,
  acknowledged_at TIMESTAMPTZ,
  -- The stream that has the slot; each new owner raises the generation.
  stream UUID,
  generation BIGINT NOT NULL DEFAULT 0,
  lease_until TIMESTAMPTZ,
  PRIMARY KEY (name, slot)
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE subscription_consumer (
  name TEXT COLLATE "C" NOT NULL REFERENCES subscription ON DELETE CASCADE,
  consumer TEXT COLLATE "C" NOT NULL,
  stream UUID NOT NULL,
  connected_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  lease_until TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (name, consumer)
) WITH (fillfactor = 50);

-- Entries that a consumer could not apply. The entry itself is in the journal.
CREATE TABLE parked_entry (
  name TEXT COLLATE "C" NOT NULL REFERENCES subscription ON DELETE CASCADE,
  sku TEXT COLLATE "C" NOT NULL,
  sequence BIGINT NOT NULL,
  reason TEXT NOT NULL,
  consumer TEXT NOT NULL,
  parked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  times INTEGER NOT NULL DEFAULT 1,
  -- It is to be sent once more.
  retry BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (name, sku, sequence)
);
CREATE INDEX parked_entry_retry ON parked_entry (name) WHERE retry;
