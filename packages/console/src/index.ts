export { markStrokes, markUri } from "./browser/mark.ts";
export { type Console, type ConsoleFile, loadConsole } from "./load-console.ts";
export { loadTheme } from "./load-theme.ts";
