import { markUri } from "./browser/mark.ts";

const styles = ["theme.css", "uplot.css", "console.css"];

/** The page before it runs. All modules are asked for at once, not each when another turns out to need it. */
export function pageOf(names: readonly string[], addressOf: (name: string) => string): string {
  const modules = names.filter((name) => !name.endsWith(".css"));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Millrace</title>
<link rel="icon" href="${markUri}">
${styles.map((name) => `<link rel="stylesheet" href="${addressOf(name)}">`).join("\n")}
${modules.map((name) => `<link rel="modulepreload" href="${addressOf(name)}">`).join("\n")}
<script type="module" src="${addressOf("main.ts")}"></script>
</head>
<body>
<div id="app"><noscript><p>The console needs JavaScript. The same figures are at /live, /alerts and /database/…; /docs lists them.</p></noscript></div>
</body>
</html>
`;
}
