-- Forgets since when indexes are there; they are then taken for new ones.
--
-- Locks: ACCESS EXCLUSIVE on index_sightings, which goes away.

DROP TABLE index_sightings;
