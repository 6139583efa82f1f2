-- When a statement's plan became another, each time; and when the server last counted a statement, so that the texts of
-- those that nobody runs any more can be forgotten.
--
-- Locks: ACCESS EXCLUSIVE on server_statements for a moment; the default is a constant by then, so that nothing is
-- rewritten. The table of changes is new.

-- CURRENT_DATE is not volatile.
-- squawk-ignore adding-field-with-default
ALTER TABLE server_statements ADD COLUMN seen_on date NOT NULL DEFAULT CURRENT_DATE;
COMMENT ON COLUMN server_statements.seen_on IS 'the last day on which it was counted';

CREATE TABLE statement_plan_changes (
  statement text NOT NULL,
  changed_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  plan_before text NOT NULL,
  plan_after text NOT NULL,
  PRIMARY KEY (statement, changed_at)
);
COMMENT ON COLUMN statement_plan_changes.changed_at IS 'when the second plan was first seen after the first one';
COMMENT ON COLUMN statement_plan_changes.plan_before IS 'hashes of statement_plans';
COMMENT ON INDEX statement_plan_changes_pkey IS 'serves statement_plans.note';
CREATE INDEX statement_plan_changes_by_time ON statement_plan_changes (changed_at);
COMMENT ON INDEX statement_plan_changes_by_time IS 'serves statement_plans.list_regressions';
