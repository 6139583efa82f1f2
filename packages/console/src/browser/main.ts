import { h, render } from "preact";
import { App } from "./app.ts";
import { applyTheme, chosenTheme } from "./parts/theme.ts";

applyTheme(chosenTheme());
const place = document.getElementById("app");
if (place !== null) render(h(App, null), place);
