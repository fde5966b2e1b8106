-- Whether rows were found to have shifted between the pages of the current pass: whoever goes on with it must know.
ALTER TABLE fleet_segments ADD COLUMN shifted INTEGER NOT NULL DEFAULT 0;
