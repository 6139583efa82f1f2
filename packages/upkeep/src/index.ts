export { type AlertRoundNeeds, createAlertRounds } from "./alerts/alert-rounds.ts";
export type { AlertRow } from "./alerts/alert-statements.ts";
export {
  acknowledgeAlert,
  alertStates,
  lastLook,
  recentAlertEvents,
  silenceAlert,
  undeliveredAlerts,
} from "./alerts/alert-store.ts";
export { loadAlertRules } from "./alerts/load-rules.ts";
export { receiversOf } from "./alerts/receivers.ts";
export { type AlertRule, runbookUrl, unitOf } from "./alerts/rule.ts";
export { startStandIn } from "./alerts/stand-in.ts";
export { alertWebhooks } from "./alerts/webhooks-variable.ts";
export { type KnownBackup, type KnownDrill, knownFolder, noteFolder } from "./backups/known-backups.ts";
export type { CheckStatus, HealthCheck } from "./health/check.ts";
export { type DatabaseHealthOptions, databaseHealth, worstOf } from "./health/database-health.ts";
export { healthStatements } from "./health/health-statements.ts";
export { partitionHorizon } from "./health/partition-horizon.ts";
export { refreshStatistics } from "./health/stale-statistics.ts";
export { findIndexProblems, type IndexProblemsOptions } from "./indexes/find-problems.ts";
export type { IndexFinding } from "./indexes/finding.ts";
export {
  actionById,
  type IndexAction,
  recentActions,
  requestActions,
  runAction,
} from "./indexes/index-actions.ts";
export { noteIndexes } from "./indexes/index-facts.ts";
export { judgeActions } from "./indexes/judge-actions.ts";
export { useOnReplicas } from "./indexes/replica-use.ts";
export { type RecordRunOptions, type Run, recordRun } from "./runs/record-run.ts";
export { type RunOutcome, type RunRow, runStatements } from "./runs/run-statements.ts";
export { growthOf, growthPerDay } from "./samples/rates.ts";
export {
  type DatabaseSample,
  noteEvictions,
  type SampleRow,
  samplesSince,
  spreadSamples,
  takeSample,
} from "./samples/sample.ts";
export {
  type FleetMinute,
  type FleetMinutes,
  type ProcessFigures,
  recentMinutes,
  wholeMinutes,
} from "./statements/process-figures.ts";
export { queryFigures, type StatementFigures } from "./statements/query-analysis.ts";
export { type PlanRegression, type PlanRow, planRegressions, plansOf } from "./statements/regressions.ts";
export { collectServerStatements } from "./statements/server-statements.ts";
export { startStatementMonitor } from "./statements/statement-monitor.ts";
