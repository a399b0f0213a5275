-- An import that is continued is planned again from its list, on the rules as
-- they are then. The rules that its first plan met tell what others changed
-- meanwhile. NULL: begun by a version that kept neither, and not to be continued.
ALTER TABLE runs ADD COLUMN list TEXT;  -- JSON of the wanted rows
ALTER TABLE runs ADD COLUMN seen TEXT;  -- JSON of rules, each as in changes

-- Stored plans are of no use any more, nor is the position of a change in one.
DROP TABLE run_rows_at_risk;
DROP TABLE run_rows;
DROP INDEX changes_by_run;
CREATE INDEX changes_by_run ON changes (run) WHERE run IS NOT NULL;
ALTER TABLE changes DROP COLUMN row;
