-- Whether a read showed a VIP rule as the change wanted it, in whatever writing the
-- service keeps it: equal texts alone do not tell.
DROP INDEX changes_unseen;
ALTER TABLE changes DROP COLUMN is_seen;
ALTER TABLE changes ADD COLUMN shown_as_wanted INTEGER NOT NULL DEFAULT 0;

ALTER TABLE changes ADD COLUMN is_seen INTEGER GENERATED ALWAYS AS (
    status IN ('failed', 'reconciled')
        OR (status = 'done' AND stands = 1 AND (shown_as_wanted OR route_after IS route_wanted))
) VIRTUAL;

CREATE INDEX changes_unseen ON changes (realm, account, started_at, caller)
    WHERE NOT is_seen AND piece IS NULL;
