-- Changes that wait for a person at a terminal, and what became of them.
CREATE TABLE approvals (
    code        TEXT PRIMARY KEY,
    binding     TEXT NOT NULL,      -- digest of installation, account, tool and normalised arguments
    fingerprint TEXT NOT NULL,      -- digest of the route as it was shown
    caller      TEXT NOT NULL,      -- the value the person must type
    preview     TEXT NOT NULL,      -- exactly what the person is shown
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'declined', 'used')),
    expires_at  INTEGER NOT NULL    -- seconds since 1970, UTC
) STRICT;

CREATE INDEX approvals_by_binding ON approvals (binding, state);

-- Sealed confirmations that have been answered. The primary key makes each work once.
CREATE TABLE used_confirmations (
    nonce       TEXT PRIMARY KEY,
    expires_at  INTEGER NOT NULL
) STRICT;
