-- Rules of the same caller that the service may remove along with a removal of an
-- import: one that is taken up again has to know which rules to look after.
CREATE TABLE run_rows_at_risk (
    run   TEXT NOT NULL,
    row   INTEGER NOT NULL,      -- the removal's position in the plan
    route TEXT NOT NULL,         -- JSON, as in changes
    FOREIGN KEY (run, row) REFERENCES run_rows (run, row)
) STRICT;

CREATE INDEX run_rows_at_risk_by_run ON run_rows_at_risk (run, row);
