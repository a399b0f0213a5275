-- What a waiting change asks the person to type: 'caller', 'changes', ...
ALTER TABLE approvals ADD COLUMN asks_for TEXT NOT NULL DEFAULT 'caller';

-- Every change: written before it is sent, closed when its outcome is known.
CREATE TABLE changes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    realm        TEXT NOT NULL,      -- which upstream: a base URL, or 'sandbox'
    account      TEXT NOT NULL,
    operation    TEXT NOT NULL,      -- add_vip, remove_vip, ...
    asked_by     TEXT NOT NULL,      -- client and tool, or command
    domain       TEXT NOT NULL,      -- the key: domain, ani and dnis as stored at the service
    ani          TEXT NOT NULL,
    dnis         TEXT,
    caller       TEXT NOT NULL,      -- digits with country code where the ANI is a number, else the ANI
    route_before TEXT,               -- JSON; NULL: no rule stood
    route_wanted TEXT,               -- JSON; NULL: no rule shall stand
    status       TEXT NOT NULL CHECK (status IN ('open', 'done', 'failed', 'reconciled')),
    route_after  TEXT,               -- JSON; NULL: no rule stands, or not known while open
    problem      TEXT,
    request_id   TEXT,
    undoes       INTEGER REFERENCES changes (id),
    run          TEXT REFERENCES runs (id),
    row          INTEGER,            -- position in the run's plan
    owner        TEXT NOT NULL,      -- process that works on it; '' once nobody does
    started_at   INTEGER NOT NULL,   -- milliseconds since 1970, UTC
    ended_at     INTEGER
) STRICT;

CREATE INDEX changes_open ON changes (realm) WHERE status = 'open';
CREATE INDEX changes_by_account ON changes (realm, account, id);
CREATE INDEX changes_by_time ON changes (realm, started_at);
CREATE INDEX changes_by_run ON changes (run, row) WHERE run IS NOT NULL;

-- Imports that a person agreed to, and each change they are to make.
CREATE TABLE runs (
    id         TEXT PRIMARY KEY,
    realm      TEXT NOT NULL,
    account    TEXT NOT NULL,
    domain     TEXT NOT NULL,
    mode       TEXT NOT NULL,        -- merge, mirror
    request    TEXT NOT NULL,        -- digest of the wanted list
    asked_by   TEXT NOT NULL,
    finished   INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL      -- milliseconds since 1970, UTC
) STRICT;

CREATE INDEX runs_unfinished ON runs (realm, account, domain) WHERE finished = 0;

CREATE TABLE run_rows (
    run          TEXT NOT NULL REFERENCES runs (id),
    row          INTEGER NOT NULL,   -- position in the plan, from 0
    line         INTEGER,            -- line of the list it comes from; NULL: it was not on the list
    route_before TEXT,               -- JSON, as in changes
    route_wanted TEXT,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;
