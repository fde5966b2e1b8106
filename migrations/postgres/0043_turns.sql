-- Whose turn a request is that may be repeated: who has it renews its time while at work, and keeps no answer once another has it.
ALTER TABLE fleet.http_answers ADD COLUMN turn uuid;
