-- Account ids are compared without case and are written in small letters from
-- now on. What earlier versions wrote as it was given would never be found.
UPDATE changes SET account = lower(account);
UPDATE runs SET account = lower(account);
UPDATE attestations SET account = lower(account);
