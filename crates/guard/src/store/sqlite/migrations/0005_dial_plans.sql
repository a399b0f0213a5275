-- Dial plans that showed the dial translation rule, with the moment they were
-- read. Only the survey of all customers uses them; what is changed is decided
-- on what was read just before.
CREATE TABLE dial_plans (
    pbx     TEXT NOT NULL,      -- base URL of the PBX API
    domain  TEXT NOT NULL,      -- lower case
    rules   TEXT NOT NULL,      -- JSON: the rules for route_by_ani
    read_at INTEGER NOT NULL,   -- milliseconds since 1970, UTC
    PRIMARY KEY (pbx, domain)
) STRICT, WITHOUT ROWID;

-- When the outcome of an open change was given up: until then its request was
-- sent again and again, so it counts from there how long one may be on its way.
ALTER TABLE changes ADD COLUMN given_up_at INTEGER; -- milliseconds since 1970, UTC
