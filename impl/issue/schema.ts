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
]
