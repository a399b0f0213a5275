-- The dialled number of a rule as `caller` has its caller: digits with country code
-- where it is a number, empty where it is for any, else the text. The service may store
-- a number otherwise than it was sent.
ALTER TABLE changes ADD COLUMN called TEXT NOT NULL DEFAULT '';

CREATE TEMP TABLE called_as (dnis TEXT PRIMARY KEY, called TEXT NOT NULL);
INSERT INTO called_as
    SELECT DISTINCT dnis, dnis FROM changes WHERE dnis GLOB '*[0-9]*'
    UNION SELECT DISTINCT dnis, dnis FROM vip_notes WHERE dnis GLOB '*[0-9]*';
UPDATE called_as SET called = replace(replace(replace(replace(replace(
        called, ' ', ''), '(', ''), ')', ''), '-', ''), '.', '');
UPDATE called_as SET called = substr(called, 2) WHERE called GLOB '+*';
UPDATE called_as SET called = '1' || called WHERE length(called) = 10 AND called GLOB '[2-9]*';
UPDATE called_as SET called = dnis WHERE called GLOB '*[^0-9]*';

UPDATE changes SET called = (SELECT called FROM called_as WHERE called_as.dnis = changes.dnis)
WHERE dnis IN (SELECT dnis FROM called_as);
UPDATE vip_notes
SET dnis = coalesce((SELECT called FROM called_as WHERE called_as.dnis = vip_notes.dnis), '')
WHERE dnis <> '';
DROP TABLE called_as;

DROP TRIGGER vip_notes_end;
CREATE TRIGGER vip_notes_end AFTER UPDATE OF status ON changes
WHEN OLD.status = 'open' AND NEW.piece IS NULL
     AND (NEW.status = 'done' OR (NEW.status = 'reconciled' AND NEW.route_after IS NEW.route_wanted))
BEGIN
    DELETE FROM vip_notes
    WHERE realm = NEW.realm AND account = NEW.account AND domain = lower(NEW.domain)
      AND caller = NEW.caller AND dnis = NEW.called AND ended = 0;
    UPDATE vip_notes SET ended = NEW.id
    WHERE realm = NEW.realm AND account = NEW.account AND domain = lower(NEW.domain)
      AND caller = NEW.caller AND dnis = NEW.called
      AND coalesce(change, 0) < NEW.id AND ended IS NULL;
END;
