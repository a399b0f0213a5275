-- PINs that were tried since the last right one, by all processes together:
-- those on the approval page apart, so that whoever reads a link uses up no
-- other tries.
ALTER TABLE pin_tries RENAME TO pin_tries_before;
CREATE TABLE pin_tries (
    place         TEXT    NOT NULL PRIMARY KEY,     -- page, or person for everywhere else
    tries         INTEGER NOT NULL,
    blocked_until INTEGER NOT NULL                  -- seconds since 1970, UTC
) STRICT, WITHOUT ROWID;
INSERT INTO pin_tries SELECT 'person', tries, blocked_until FROM pin_tries_before;
DROP TABLE pin_tries_before;
