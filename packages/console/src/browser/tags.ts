import { type ComponentChild, type ComponentChildren, type HTMLAttributes, h, type JSX } from "preact";

/** What a component gives: something to be shown. */
export type View = ComponentChild;

type Names = keyof JSX.IntrinsicElements;
type Tag<Name extends Names> = (props?: JSX.IntrinsicElements[Name] | null, ...children: ComponentChildren[]) => View;

/** Elements as functions: what JSX would be, without a step that turns it into JavaScript. */
function tag<Name extends Names>(name: Name): Tag<Name> {
  // The properties of an element are what `h` takes for its name, which its overloads cannot say of a name in general.
  return (props, ...children) => h(name, (props ?? null) as HTMLAttributes<HTMLElement> | null, ...children);
}

export const a = tag("a");
export const button = tag("button");
export const code = tag("code");
export const dd = tag("dd");
export const details = tag("details");
export const dialog = tag("dialog");
export const div = tag("div");
export const dl = tag("dl");
export const dt = tag("dt");
export const form = tag("form");
export const h1 = tag("h1");
export const h2 = tag("h2");
export const h3 = tag("h3");
export const header = tag("header");
export const img = tag("img");
export const input = tag("input");
export const label = tag("label");
export const li = tag("li");
export const main = tag("main");
export const nav = tag("nav");
export const ol = tag("ol");
export const option = tag("option");
export const p = tag("p");
export const pre = tag("pre");
export const section = tag("section");
export const select = tag("select");
export const span = tag("span");
export const strong = tag("strong");
export const summary = tag("summary");
export const table = tag("table");
export const tbody = tag("tbody");
export const td = tag("td");
export const textarea = tag("textarea");
export const th = tag("th");
export const thead = tag("thead");
export const tr = tag("tr");
export const ul = tag("ul");
