-- Locks: ACCESS EXCLUSIVE on every table, for milliseconds. All rows are lost.

DROP TABLE api_keys;
DROP TABLE telemetry_events;
DROP TABLE nonces;
DROP TABLE balances;
DROP TABLE blocks;
DROP TABLE reports;
DROP TABLE sessions;
DROP TABLE users;
DROP DOMAIN address;
