-- Whether a person gave the command for a change, or a tool asked for it.
ALTER TABLE changes ADD COLUMN by_person INTEGER NOT NULL DEFAULT 0;

-- What a person has declined, which a tool may not ask again for a while.
CREATE TABLE declines (
    binding TEXT PRIMARY KEY,   -- as in approvals
    until   INTEGER NOT NULL    -- seconds since 1970, UTC
) STRICT, WITHOUT ROWID;
