import { h } from "preact";
import * as format from "../format.ts";
import { figure, Grid, rowTitle } from "../parts/grid.ts";
import { nothing, Panel } from "../parts/panel.ts";
import { status } from "../parts/status.ts";
import type { Live } from "../replies.ts";
import { a, tr, type View } from "../tags.ts";

/** What waits, since when, and who takes it. */
export function Queues({ live }: { readonly live: Live | undefined }): View {
  const redis = live?.redis.queue;
  return h(
    Panel,
    {
      id: "queues",
      title: "Queues",
      note: redis === null ? "Redis is away" : redis && `Redis ${format.memory(redis)}`,
      actions: a({ href: "/queues" }, "Jobs one by one"),
    },
    live === undefined
      ? nothing("Reading …")
      : h(
          Grid,
          {
            label: "Queues",
            columns: [
              { title: "Queue" },
              { title: "Waiting", isNumber: true },
              { title: "Oldest", isNumber: true },
              { title: "Active", isNumber: true },
              { title: "Delayed", isNumber: true },
              { title: "Failed", isNumber: true },
              { title: "Consumers", isNumber: true },
            ],
          },
          live.queues.map((queue) =>
            tr(
              { key: queue.name },
              rowTitle(queue.name, queue.paused && status("warning", "paused")),
              figure(format.count(queue.waiting)),
              figure(
                format.duration(queue.oldest_wait_ms),
                queue.oldest_wait_ms >= 60_000 ? "critical" : queue.oldest_wait_ms >= 10_000 && "warning",
              ),
              figure(format.count(queue.active)),
              figure(format.count(queue.delayed)),
              figure(format.count(queue.failed), queue.failed > 0 && "warning"),
              figure(format.count(queue.consumers), queue.consumers === 0 && "critical"),
            ),
          ),
        ),
  );
}
