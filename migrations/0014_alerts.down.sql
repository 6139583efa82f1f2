-- Forgets the alerts.
--
-- Locks: ACCESS EXCLUSIVE on these tables, which go away.

DROP TABLE process_minutes;
DROP TABLE alert_deliveries;
DROP TABLE alert_events;
DROP TABLE alerts;
