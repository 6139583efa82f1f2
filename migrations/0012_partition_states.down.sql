-- Forgets how far partitions are; those that are detached stay so.
--
-- Locks: ACCESS EXCLUSIVE on partition_states, which goes away.

DROP TABLE partition_states;
