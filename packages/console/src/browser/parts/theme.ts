import { useEffect, useState } from "preact/hooks";

/** What the user chose; `auto` follows the system. */
export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const storedAs = "millrace-theme";
const changed = new EventTarget();
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** What was chosen the last time in this browser. */
export function chosenTheme(): Theme {
  const stored = localStorage.getItem(storedAs);
  return themes.find((theme) => theme === stored) ?? "auto";
}

/** Shows the page in a theme from now on, also the next time. */
export function chooseTheme(theme: Theme): void {
  localStorage.setItem(storedAs, theme);
  applyTheme(theme);
}

export function applyTheme(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  changed.dispatchEvent(new Event("change"));
}

/** Light or dark, as it is shown. */
export function useTheme(): "light" | "dark" {
  const [theme, setTheme] = useState(shownTheme);
  useEffect(() => {
    const ended = new AbortController();
    const look = (): void => setTheme(shownTheme());
    changed.addEventListener("change", look, { signal: ended.signal });
    systemIsDark.addEventListener("change", look, { signal: ended.signal });
    return () => ended.abort();
  }, []);
  return theme;
}

function shownTheme(): "light" | "dark" {
  const theme = chosenTheme();
  if (theme !== "auto") return theme;
  return systemIsDark.matches ? "dark" : "light";
}
