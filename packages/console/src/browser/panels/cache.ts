import { h } from "preact";
import { send } from "../api.ts";
import * as format from "../format.ts";
import { ActionButton } from "../parts/confirm.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import type { Live } from "../replies.ts";
import { p, td, tr, type View } from "../tags.ts";

/** How well reads are served, by namespace. */
export function CachePanel({ live, isAdmin }: { readonly live: Live | undefined; readonly isAdmin: boolean }): View {
  const redis = live?.redis.cache;
  const note = redis === null ? "Redis is away; reads go to PostgreSQL" : redis && `Redis ${format.memory(redis)}`;
  return h(
    Panel,
    { id: "cache", title: "Cache", note },
    live === undefined
      ? nothing("Reading …")
      : h(
          Grid,
          {
            label: "Cache by namespace",
            columns: [
              { title: "Namespace" },
              { title: "Reads/s", isNumber: true },
              { title: "Hits", isNumber: true },
              { title: "From memory", isNumber: true },
              { title: "Misses/s", isNumber: true },
              ...(isAdmin ? [{ title: "Actions", isUntitled: true }] : []),
            ],
          },
          live.cache.map((one) =>
            tr(
              { key: one.namespace },
              rowTitle(one.namespace),
              figure(format.count(one.reads)),
              figure(format.share(one.hit_share), one.hit_share !== null && one.hit_share < 0.6 && "warning"),
              figure(format.share(one.memory_share)),
              figure(format.count(one.misses)),
              isAdmin && td({ class: "buttons" }, h(ClearButton, { namespace: one.namespace })),
            ),
          ),
        ),
  );
}

function ClearButton({ namespace }: { readonly namespace: string }): View {
  return h(ActionButton, {
    label: "Clear",
    about: namespace,
    question: {
      title: `Clear ${namespace} in every process?`,
      confirm: "Clear",
      body: p(null, "Nothing is lost: what is read next is looked up in PostgreSQL, once for each key."),
    },
    work: () => send("POST", "/database/cache/clear", { namespace }),
  });
}
