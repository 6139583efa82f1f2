import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { AppControllerRoute, BullBoardQueues, IServerAdapter, UIConfig } from "@bull-board/api/dist/types.js";
import { markUri } from "@millrace/console";
import type { ListedQueue, Queues } from "@millrace/jobs";
import { boardFolder } from "./board-page.ts";
import { previewOf } from "./job-preview.ts";

export interface Board {
  /** What its program asks for below `/api`. */
  readonly routes: readonly AppControllerRoute[];
  readonly pages: readonly string[];
  readonly config: UIConfig;
  /** The queues as they are now, to be looked at or to be acted on. */
  queues(options: { mayAct: boolean }): Promise<BullBoardQueues>;
  /** The queue of that title, by which its program knows it. */
  find(title: string): Promise<ListedQueue | undefined>;
}

/** bull-board over our queues, without a server of its own. */
export function createBoard(queues: Pick<Queues, "list">): Board {
  const routes: AppControllerRoute[] = [];
  const pages: string[] = [];
  let config: UIConfig = {};
  const server: IServerAdapter = {
    setQueues: () => server,
    setViewsPath: () => server,
    setStaticPath: () => server,
    setErrorHandler: () => server,
    setEntryRoute: ({ route }) => {
      pages.push(...[route].flat());
      return server;
    },
    setApiRoutes: (all) => {
      routes.push(...all);
      return server;
    },
    setUIConfig: (given) => {
      config = given;
      return server;
    },
  };
  createBullBoard({ queues: [], serverAdapter: server, options: { uiBasePath: dirOf(boardFolder), uiConfig } });
  const adapters = { reading: createAdapters(true), acting: createAdapters(false) };

  return {
    routes,
    pages,
    config,
    async queues({ mayAct }) {
      const adapterOf = mayAct ? adapters.acting : adapters.reading;
      return new Map((await queues.list()).map((listed) => [listed.title, adapterOf(listed)]));
    },
    find: async (title) => (await queues.list()).find((listed) => listed.title === title),
  };
}

const uiConfig: UIConfig = {
  boardTitle: "Millrace",
  boardLogo: { path: markUri, width: 24, height: 24 },
  hideDocsLink: true,
  sortQueues: false,
  miscLinks: [{ text: "Sign out or change the key", url: "/sign-in?next=/queues" }],
};

function dirOf(dist: string): string {
  return dist.slice(0, dist.lastIndexOf("/"));
}

/** An adapter for each queue, made once. */
function createAdapters(readOnlyMode: boolean): (listed: ListedQueue) => BullMQAdapter {
  const made = new WeakMap<ListedQueue["queue"], BullMQAdapter>();
  return ({ queue }) => {
    const existing = made.get(queue);
    if (existing !== undefined) return existing;
    const adapter = new BullMQAdapter(queue, { readOnlyMode });
    adapter.setFormatter("data", previewOf);
    made.set(queue, adapter);
    return adapter;
  };
}
