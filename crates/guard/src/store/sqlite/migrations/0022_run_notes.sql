-- What an import noted of rules that it left as they were, and what was noted of
-- them before, so that its undo brings that back.
CREATE TABLE run_notes (
    id     INTEGER PRIMARY KEY,
    run    TEXT NOT NULL,
    rule   TEXT NOT NULL,      -- JSON, as in changes
    before TEXT,
    after  TEXT
) STRICT;

CREATE INDEX run_notes_of_run ON run_notes (run);
