-- What is kept here of a VIP rule beside the service: who the caller is, and until
-- when the rule shall be there. It is of the rule as it was made; `dnis` is empty
-- for any dialled number, as in comparing changes.
CREATE TABLE vip_notes (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    realm   TEXT NOT NULL,
    account TEXT NOT NULL,
    domain  TEXT NOT NULL,      -- lower case
    caller  TEXT NOT NULL,      -- as in changes
    dnis    TEXT NOT NULL,
    rule    TEXT NOT NULL,      -- JSON, as in changes
    note    TEXT,
    until   TEXT,               -- the last day, as it was given: 2026-12-25
    ends_at INTEGER,            -- the end of that day: milliseconds since 1970, UTC
    change  INTEGER             -- the change that made the rule; NULL: it existed already
) STRICT;

CREATE INDEX vip_notes_of_caller ON vip_notes (realm, account, domain, caller);
CREATE INDEX vip_notes_with_end ON vip_notes (realm, ends_at) WHERE ends_at IS NOT NULL;

-- A rule that is removed or replaced ends what was kept of it, and a change that
-- was not made leaves nothing. What a cut-off change has come to is seen from the
-- rule itself where the texts do not tell; one that is put back as it was keeps it.
CREATE TRIGGER vip_notes_end AFTER UPDATE OF status ON changes
WHEN OLD.status = 'open' AND NEW.status <> 'open' AND NEW.piece IS NULL
     AND NEW.operation <> 'lost_along_with'
BEGIN
    DELETE FROM vip_notes WHERE NEW.status = 'failed' AND change = NEW.id;
    DELETE FROM vip_notes
    WHERE (NEW.status = 'done' OR (NEW.status = 'reconciled' AND NEW.route_after IS NEW.route_wanted))
      AND realm = NEW.realm AND account = NEW.account AND domain = lower(NEW.domain)
      AND caller = NEW.caller AND dnis = coalesce(nullif(NEW.dnis, '*'), '')
      AND coalesce(change, 0) < NEW.id
      AND (rule IS NOT NEW.route_wanted OR EXISTS (SELECT 1 FROM vip_notes WHERE change = NEW.id));
END;
