import type { Db } from "@millrace/db";
import { collectServerStatements, judgeActions, noteEvictions, type Run, takeSample } from "@millrace/upkeep";

/** Notes each minute what the database is like, what its statements cost it, and whether new indexes helped. */
export function monitorPerformance({ db }: { readonly db: Db }) {
  return async (run: Run): Promise<void> => {
    const { taken_at } = await takeSample(db);
    run.changed("samples");
    if (await collectServerStatements(db)) {
      await noteEvictions(db, taken_at);
      run.changed("server_statements");
    }
    const judged = await judgeActions(db);
    if (judged > 0) run.changed("indexes_judged", judged);
  };
}
