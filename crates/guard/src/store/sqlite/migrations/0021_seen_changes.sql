-- Whether a read has shown a VIP rule as the change made it, or the change is not
-- counted as made: a list has nothing to catch up with. Of many changes in a
-- short time, only the others are looked at with every list.
ALTER TABLE changes ADD COLUMN is_seen INTEGER GENERATED ALWAYS AS (
    status IN ('failed', 'reconciled')
        OR (status = 'done' AND stands = 1 AND route_after IS route_wanted)
) VIRTUAL;

CREATE INDEX changes_unseen ON changes (realm, account, started_at, caller)
    WHERE NOT is_seen AND piece IS NULL;
