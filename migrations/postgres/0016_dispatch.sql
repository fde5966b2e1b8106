-- When what is due was last offered, as the leader of that moment told with its renewals; null until then.
ALTER TABLE fleet.leader ADD COLUMN dispatched_at timestamptz;
