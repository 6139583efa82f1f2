import { readFile } from "node:fs/promises";

/** The colours, fonts and controls that every page of Millrace shares, as CSS. */
export async function loadTheme(): Promise<string> {
  return await readFile(new URL("theme.css", import.meta.url), "utf8");
}
