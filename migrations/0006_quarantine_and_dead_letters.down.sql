-- Locks: ACCESS EXCLUSIVE on both tables, for milliseconds. Their rows are lost.

DROP TABLE dead_letters;
DROP TABLE telemetry_events_quarantine;
