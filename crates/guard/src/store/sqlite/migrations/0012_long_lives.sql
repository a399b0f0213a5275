-- The person who closed a change by hand, where the service could not tell its
-- outcome any more: client or command.
ALTER TABLE changes ADD COLUMN closed_by TEXT;

-- Which store this is. Confirmations are bound to it: a store that was made
-- again does not know which of them were used.
CREATE TABLE installation (
    id TEXT NOT NULL
) STRICT;

INSERT INTO installation (id) VALUES (lower(hex(randomblob(16))));

-- Lists and checks stay quick whatever the length of the journal: each narrows
-- by an index, and SQLite keeps the id behind its columns.
DROP INDEX changes_by_time;
DROP INDEX changes_by_caller;
CREATE INDEX changes_by_time ON changes (realm, account, started_at);
CREATE INDEX changes_in_hour ON changes (realm, started_at) WHERE status <> 'failed';
CREATE INDEX changes_alone_in_hour ON changes (realm, started_at)
    WHERE status <> 'failed' AND run IS NULL AND by_person = 0;
DROP INDEX changes_by_run;
CREATE INDEX changes_by_run ON changes (run, started_at) WHERE run IS NOT NULL;
CREATE INDEX changes_by_caller ON changes (realm, account, caller);
CREATE INDEX changes_by_domain ON changes (realm, account, lower(domain));
CREATE INDEX changes_by_did ON changes (realm, account, did) WHERE did IS NOT NULL;
CREATE INDEX changes_not_made ON changes (realm, account, status) WHERE status <> 'done';
CREATE INDEX changes_undone ON changes (undoes) WHERE undoes IS NOT NULL;
