-- Forgets what was done about indexes; the indexes stay as they are.
--
-- Locks: ACCESS EXCLUSIVE on index_actions, which goes away.

DROP TABLE index_actions;
