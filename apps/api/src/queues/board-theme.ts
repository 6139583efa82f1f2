import { loadTheme } from "@millrace/console";

/** bull-board's names of what our pages have under another one. */
const names = {
  background: "ground",
  foreground: "text",
  card: "surface",
  popover: "surface",
  primary: "accent",
  "primary-foreground": "on-accent",
  secondary: "raised",
  "secondary-foreground": "text",
  muted: "raised",
  "muted-foreground": "muted",
  accent: "raised",
  "accent-foreground": "text",
  destructive: "critical",
  border: "line",
  input: "line",
  sidebar: "surface",
  "sidebar-foreground": "text",
  "sidebar-accent": "raised",
  "sidebar-border": "line",
  "font-sans": "font",
  "font-mono": "mono",
  radius: "radius",
} as const;

/** A style sheet that gives bull-board the look of the other pages. Throws when the theme lacks something. */
export async function loadBoardTheme(): Promise<string> {
  const theme = await loadTheme();
  const values = new Map([...theme.matchAll(/^ {2}--([\w-]+): ([^;]+);/gm)].map(([, name, value]) => [name, value]));
  const declarations = Object.entries(names).map(([theirs, ours]) => {
    const value = values.get(ours);
    if (value === undefined) throw new Error(`The theme has no --${ours}`);
    return `--${theirs}: ${value};`;
  });
  return `:root { color-scheme: light; }
body.dark-mode { color-scheme: dark; }
:root, body.dark-mode { ${declarations.join(" ")} }
`;
}
