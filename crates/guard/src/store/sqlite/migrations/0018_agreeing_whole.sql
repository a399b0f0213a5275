-- Who asked for a change that waits and when, what a person decided, and when
-- that was made use of: the approval page tells it for a while afterwards.
ALTER TABLE approvals ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE approvals ADD COLUMN decision TEXT;     -- approved, declined or wrong_value
ALTER TABLE approvals ADD COLUMN decided_at INTEGER;
ALTER TABLE approvals ADD COLUMN used_at INTEGER;

-- PINs that were tried since the last right one, by all processes together.
CREATE TABLE pin_tries (
    only_row      INTEGER PRIMARY KEY CHECK (only_row = 1),
    tries         INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL      -- seconds since 1970, UTC
) STRICT;

-- Plans of imports that can be applied without their list being sent again.
CREATE TABLE kept_plans (
    id         TEXT NOT NULL,           -- of the plan, or the code of its approval
    realm      TEXT NOT NULL,
    account    TEXT NOT NULL,
    domain     TEXT NOT NULL,
    request    TEXT NOT NULL,           -- in the form of whoever imports
    expires_at INTEGER NOT NULL,        -- seconds since 1970, UTC
    PRIMARY KEY (realm, id)
) STRICT, WITHOUT ROWID;
