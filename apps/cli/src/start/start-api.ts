import { isPortFree } from "@millrace/embedded";
import { apiPort } from "./api-port.ts";
import { type AppSurroundings, startApp } from "./app-process.ts";

export interface ApiOptions {
  readonly app: AppSurroundings;
  readonly host: string;
  /** The port that it must have; without it, 8080 or the next free one. */
  readonly asked: number | undefined;
  readonly developmentKey: string | undefined;
}

/** Starts the API, at the next port if another process was faster: two copies may be started in one moment. */
export async function startApi({
  app,
  host,
  asked,
  developmentKey,
}: ApiOptions): Promise<{ readonly url: string } & AsyncDisposable> {
  while (true) {
    const port = await apiPort(asked, host);
    const env = { ...app.env, HOST: host, PORT: String(port), DEVELOPMENT_KEY: developmentKey };
    try {
      const api = await startApp({ ...app, name: "The API", main: "apps/api/src/main.ts", env });
      return {
        url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
        [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
      };
    } catch (error) {
      if (asked !== undefined || (await isPortFree(port, host))) throw error;
    }
  }
}
