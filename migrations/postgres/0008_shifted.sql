-- Whether rows were found to have shifted between the pages of the current pass: whoever goes on with it must know.
ALTER TABLE fleet.segments ADD COLUMN shifted boolean NOT NULL DEFAULT false;
