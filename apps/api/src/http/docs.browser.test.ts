import { createTestDatabase, findBrowser, openBrowser } from "@millrace/embedded/testing";
import { expect, test } from "vitest";
import { createBrowserApp } from "../browser/testing/browser-app.ts";
import { registerDocs } from "./docs.ts";

const program = await findBrowser();

test.skipIf(program === undefined)(
  "the documentation is whole under the policy of pages and asks nobody else for anything (skipped without Chromium)",
  async () => {
    await using parts = new AsyncDisposableStack();
    const { db } = parts.use(await createTestDatabase());
    const app = await createBrowserApp(db);
    parts.defer(() => app.close());
    await registerDocs(app);
    app.get("/calls", { config: { scope: "read" }, schema: { summary: "All calls" } }, () => []);
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    const browser = parts.use(await openBrowser(program ?? ""));
    const page = await browser.newPage();
    page.setDefaultTimeout(10_000);
    const hosts = new Set<string>();
    const complaints: string[] = [];
    page.on("request", (request) => hosts.add(new URL(request.url()).host));
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(`${url}/docs`);
    await page.getByText("All calls").click();
    await page.getByRole("button", { name: "Execute" }).click();
    await page.getByText("key_missing").first().waitFor();
    expect([...hosts].filter((host) => host !== "")).toEqual([new URL(url).host]); // data: has none
    expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
  },
);
