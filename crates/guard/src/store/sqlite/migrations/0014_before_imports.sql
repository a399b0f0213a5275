-- The rules of the domain as they were before the import: JSON of the form in
-- which results carry rules. NULL: not kept, or not kept any more.
ALTER TABLE runs ADD COLUMN rules_before TEXT;
