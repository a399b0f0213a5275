-- What was kept of a VIP rule stays when it ends, with the change that ended it, so
-- that an undo of that change brings it back. 0: a list showed the rule gone or
-- otherwise; should it be there again, nobody has said whether the last day holds.
ALTER TABLE vip_notes ADD COLUMN ended INTEGER;
CREATE INDEX vip_notes_ended ON vip_notes (ended) WHERE ended > 0;

-- A change that was made ends what was kept of its rule before: what is kept of the
-- rule as it made it has a row of its own. What a list showed gone is settled then.
DROP TRIGGER vip_notes_end;
CREATE TRIGGER vip_notes_end AFTER UPDATE OF status ON changes
WHEN OLD.status = 'open' AND NEW.piece IS NULL
     AND (NEW.status = 'done' OR (NEW.status = 'reconciled' AND NEW.route_after IS NEW.route_wanted))
BEGIN
    DELETE FROM vip_notes
    WHERE realm = NEW.realm AND account = NEW.account AND domain = lower(NEW.domain)
      AND caller = NEW.caller AND dnis = coalesce(nullif(NEW.dnis, '*'), '') AND ended = 0;
    UPDATE vip_notes SET ended = NEW.id
    WHERE realm = NEW.realm AND account = NEW.account AND domain = lower(NEW.domain)
      AND caller = NEW.caller AND dnis = coalesce(nullif(NEW.dnis, '*'), '')
      AND coalesce(change, 0) < NEW.id AND ended IS NULL;
END;

-- One that was not made, also where that is found out later, leaves all as it was.
CREATE TRIGGER vip_notes_stay AFTER UPDATE OF status ON changes
WHEN NEW.status = 'failed' AND OLD.status <> 'failed' AND NEW.piece IS NULL
BEGIN
    DELETE FROM vip_notes WHERE change = NEW.id;
    UPDATE vip_notes SET ended = NULL WHERE ended = NEW.id;
END;

-- The rule of one that was cut off before it was made is somebody else's, should it
-- appear later.
CREATE TRIGGER vip_notes_cut_off AFTER UPDATE OF status ON changes
WHEN OLD.status = 'open' AND NEW.status = 'reconciled' AND NEW.piece IS NULL
     AND NEW.route_after IS NULL AND NEW.route_wanted IS NOT NULL
BEGIN
    DELETE FROM vip_notes WHERE change = NEW.id;
END;
DELETE FROM vip_notes WHERE change IN (
    SELECT id FROM changes WHERE status = 'reconciled' AND piece IS NULL
       AND route_after IS NULL AND route_wanted IS NOT NULL);
