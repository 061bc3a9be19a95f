/**
 * The tables of the issue server, one entry for each version: `user_version` counts those that were applied. What has
 * been published is never edited, only followed by another.
 *
 * Times are ms since 1970. An order and a certificate belong to one directory URL, so that a change from a staging CA
 * to the real one starts afresh.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE accounts (
    directory_url TEXT PRIMARY KEY,
    key TEXT NOT NULL,              -- PEM, P-256
    url TEXT,                       -- NULL until the CA has told it
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    directory_url TEXT NOT NULL,
    peer TEXT NOT NULL,
    names TEXT NOT NULL,            -- JSON array, the id0 name first
    key_choice TEXT NOT NULL,       -- key id of the client's own key, or 'server'
    state TEXT NOT NULL,
    csr BLOB NOT NULL,              -- DER
    crypto_type INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    key TEXT,                       -- PEM, where it was made here
    order_url TEXT,                 -- NULL until the CA has made the order
    challenges TEXT NOT NULL DEFAULT '[]',  -- JSON array of values that may stand in the DNS servers
    error TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;

  -- At most one order for the same certificate is under way: this is what makes it possible to take it up again.
  CREATE UNIQUE INDEX orders_unfinished ON orders (directory_url, peer, names, key_choice)
    WHERE state NOT IN ('valid', 'failed');
  CREATE INDEX orders_updated ON orders (updated_at);

  CREATE TABLE certificates (
    directory_url TEXT NOT NULL,
    peer TEXT NOT NULL,
    names TEXT NOT NULL,
    key_choice TEXT NOT NULL,
    crypto_type INTEGER NOT NULL,
    certificate TEXT NOT NULL,
    ca TEXT NOT NULL,
    key TEXT,
    serial TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    PRIMARY KEY (directory_url, peer, names, key_choice)
  ) STRICT;
  CREATE INDEX certificates_not_after ON certificates (not_after);
  `,
  `
  -- The certificate takes the place of one for the same names: the CA counts less of it.
  ALTER TABLE orders ADD COLUMN renewal INTEGER NOT NULL DEFAULT 0;

  -- What is used of the CA's limits (budgets.ts). A budget that is full has no row.
  CREATE TABLE budgets (
    directory_url TEXT NOT NULL,
    budget TEXT NOT NULL,
    key TEXT NOT NULL,              -- domain, name or names; empty for the account
    full_at REAL NOT NULL,          -- parts of an ms add up
    PRIMARY KEY (directory_url, budget, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX budgets_full_at ON budgets (full_at);

  -- Names whose validation failed, until it succeeds.
  CREATE TABLE failed_validations (
    directory_url TEXT NOT NULL,
    name TEXT NOT NULL,
    failures INTEGER NOT NULL,      -- in a row
    failed_at INTEGER NOT NULL,     -- the last one
    PRIMARY KEY (directory_url, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX failed_validations_failed_at ON failed_validations (failed_at);
  `,
  `
  -- When the CA wants a certificate renewed (RFC 9773); NULL until it has said so.
  ALTER TABLE certificates ADD COLUMN renew_from INTEGER;
  ALTER TABLE certificates ADD COLUMN renew_until INTEGER;
  ALTER TABLE certificates ADD COLUMN renew_at INTEGER;           -- drawn from between the two
  ALTER TABLE certificates ADD COLUMN ask_at INTEGER DEFAULT 0;   -- when the CA is asked next; NULL: no more
  CREATE INDEX certificates_ask_at ON certificates (directory_url, ask_at);
  CREATE INDEX certificates_serial ON certificates (directory_url, peer, serial);
  `,
]
