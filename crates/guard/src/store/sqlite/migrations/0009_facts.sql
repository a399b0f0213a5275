-- What was learned of a service that nobody documents, for each host.
CREATE TABLE facts (
    host       TEXT NOT NULL,      -- base URL of the API
    name       TEXT NOT NULL,      -- for example dial_translation_rule_shown
    value      TEXT NOT NULL,
    learned_at INTEGER NOT NULL,   -- milliseconds since 1970, UTC
    PRIMARY KEY (host, name)
) STRICT, WITHOUT ROWID;
