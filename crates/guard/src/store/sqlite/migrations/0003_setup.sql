-- Changes to a customer's set-up: a DID's route, a PBX user, ... For these the
-- key columns ani and dnis are empty, and the route columns hold what stood,
-- what was wanted and what stood afterwards in the piece's own JSON form.
ALTER TABLE changes ADD COLUMN piece TEXT;      -- JSON of the piece; NULL: a VIP rule
ALTER TABLE changes ADD COLUMN did TEXT;        -- digits, where the change is about a DID

ALTER TABLE changes ADD COLUMN stands INTEGER NOT NULL DEFAULT 0; -- whether a piece that was cut off came to stand

-- Who else works on the same rule is asked before every change.
CREATE INDEX changes_by_caller ON changes (realm, account, caller);
CREATE INDEX changes_of_setups ON changes (realm, account) WHERE piece IS NOT NULL;

-- Steps of a set-up that a person has looked at, since no API shows them.
CREATE TABLE attestations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    realm        TEXT NOT NULL,
    account      TEXT NOT NULL,
    domain       TEXT NOT NULL,      -- lower case
    step         TEXT NOT NULL,      -- dial_translation_rule, route_by_ani_user
    attested_by  TEXT NOT NULL,      -- the person, as named
    note         TEXT NOT NULL,      -- ticket number, test call
    asked_by     TEXT NOT NULL,      -- client and tool, or command
    attested_at  INTEGER NOT NULL,   -- milliseconds since 1970, UTC
    withdrawn_at INTEGER,
    withdrawn_by TEXT                -- client and tool, or command
) STRICT;

CREATE INDEX attestations_standing ON attestations (realm, account, domain) WHERE withdrawn_at IS NULL;
