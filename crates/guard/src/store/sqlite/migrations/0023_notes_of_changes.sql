-- What a change keeps of its rule, and what it has ended, is found by an index when
-- the change was not made.
CREATE INDEX vip_notes_of_change ON vip_notes (change) WHERE change IS NOT NULL;

DROP TRIGGER vip_notes_stay;
CREATE TRIGGER vip_notes_stay AFTER UPDATE OF status ON changes
WHEN NEW.status = 'failed' AND OLD.status <> 'failed' AND NEW.piece IS NULL
BEGIN
    DELETE FROM vip_notes WHERE change = NEW.id;
    -- The index has no others.
    UPDATE vip_notes SET ended = NULL WHERE ended = NEW.id AND ended > 0;
END;
