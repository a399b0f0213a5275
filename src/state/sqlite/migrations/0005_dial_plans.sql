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
