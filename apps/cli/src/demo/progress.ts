import type { WriteStream } from "node:tty";

/** Shows what `text` gives: on a terminal in one line that changes, elsewhere as a line each second. Ends when disposed. */
export function startProgress(text: () => string, out: Pick<WriteStream, "write" | "isTTY" | "columns">): Disposable {
  const show = (): void => {
    out.write(out.isTTY ? `\r\u001b[2K${text().slice(0, (out.columns || 80) - 1)}` : `${text()}\n`);
  };
  const timer = setInterval(show, out.isTTY ? 100 : 1_000);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      show();
      if (out.isTTY) out.write("\n");
    },
  };
}
