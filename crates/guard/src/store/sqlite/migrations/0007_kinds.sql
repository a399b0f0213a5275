-- What a change is about: 'vip_rule', or the kind of a piece of a customer's
-- setup. Taken from the piece itself, so that the two never contradict each other.
ALTER TABLE changes ADD COLUMN kind TEXT
    GENERATED ALWAYS AS (coalesce(json_extract(piece, '$.kind'), 'vip_rule')) VIRTUAL;

DROP INDEX changes_of_setups;
CREATE INDEX changes_by_kind ON changes (realm, account, kind) WHERE kind <> 'vip_rule';

-- The preview of a waiting change is JSON now and says itself what has to be
-- typed. What waits since before then is text, and lapses within five minutes.
ALTER TABLE approvals DROP COLUMN asks_for;
ALTER TABLE approvals DROP COLUMN caller;
