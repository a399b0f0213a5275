-- The journal's own order, which no clock can disturb: it goes one further
-- whenever a change is begun and whenever the work on one ends.
CREATE TABLE journal_position (
    position INTEGER NOT NULL
) STRICT;

INSERT INTO journal_position (position) VALUES (0);

-- Where the journal was when the change was begun or, once nobody works on it
-- any more, when that came to an end. Who has looked at a rule before then has
-- perhaps not seen it.
ALTER TABLE changes ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
