import type { Principal } from "@millrace/access";
import { html } from "./html.ts";
import type { Page } from "./layout.ts";

export interface SignInPage {
  /** Where to go afterwards; a path of this site. */
  readonly next: string;
  /** Why the last attempt failed. */
  readonly error?: string | undefined;
  /** Who is signed in already. */
  readonly principal?: Principal | undefined;
  readonly isSignedOut?: boolean | undefined;
}

/** The form for a key. It needs no script. */
export function signInPage({ next, error, principal, isSignedOut = false }: SignInPage): Page {
  const body = html`<h1>Sign in</h1>
<p class="lead">With an API key, for twelve hours.</p>
${principal && signedIn(principal, next)}${isSignedOut ? signedOut : undefined}<form method="post" action="/session">
<input type="hidden" name="next" value="${next}">
<input name="account" value="Millrace" autocomplete="username" hidden>
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="current-password" autocapitalize="off" spellcheck="false" maxlength="256" required autofocus${error === undefined ? undefined : invalid}>
${error === undefined ? undefined : html`<p class="error" id="error" role="alert">${error}</p>`}
<button class="primary button">Sign in</button>
</form>
<p class="hint">A key for <code>read</code> sees all, one for <code>admin</code> may also act.<br>
<code>npm run keys -- create --name me --scope read</code></p>`;
  return { title: error === undefined ? "Sign in" : "Not signed in", body };
}

const invalid = html` aria-invalid="true" aria-describedby="error"`;
const signedOut = html`<p class="notice" role="status">You are signed out.</p>
`;

function signedIn({ name, scopes }: Principal, next: string) {
  const may = scopes.has("admin") ? "admin" : [...scopes].join(", ");
  return html`<div class="notice">
<p><strong>${name}</strong><br><span class="muted">signed in, ${may}</span></p>
<form method="post" action="/session/end"><button>Sign out</button></form>
<a href="${next}">Continue</a>
</div>
`;
}
