-- What is remembered of a customer's setup until it is done: where callers who
-- are not VIPs shall go, and the support ticket that asks SkySwitch for it.
CREATE TABLE setup_memory (
    realm          TEXT NOT NULL,
    account        TEXT NOT NULL,
    domain         TEXT NOT NULL,   -- lower case
    fallback       TEXT,            -- as it was given
    ticket         TEXT,            -- its number
    ticket_sent_at INTEGER,         -- milliseconds since 1970, UTC
    ticket_sent_by TEXT,            -- the command
    PRIMARY KEY (realm, account, domain)
) STRICT, WITHOUT ROWID;
