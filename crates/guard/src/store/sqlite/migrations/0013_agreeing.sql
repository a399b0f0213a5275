-- Of which service a waiting change is, what it would come to in whatever
-- writing it is asked for, and how often a wrong value was typed.
ALTER TABLE approvals ADD COLUMN realm TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN effect TEXT NOT NULL DEFAULT '';
ALTER TABLE approvals ADD COLUMN misses INTEGER NOT NULL DEFAULT 0;

-- What is not put before a person again for a while goes by its effect from now
-- on, and says whether the person declined or typed wrong values. Nothing in it
-- is older than a minute.
DROP TABLE declines;
CREATE TABLE declines (
    effect      TEXT PRIMARY KEY,
    wrong_value INTEGER NOT NULL,
    until       INTEGER NOT NULL    -- seconds since 1970, UTC
) STRICT, WITHOUT ROWID;
