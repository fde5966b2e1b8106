-- When what is due was last offered: told where several processes may lead. A file has one runner, so there is nothing to
-- note here.
SELECT 1;
