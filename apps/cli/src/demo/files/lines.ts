export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
  /** The line was longer than allowed; the rest of it was left out. */
  readonly isCut: boolean;
}

/** The lines of a text that comes in pieces, without their line ends. No line, however long, takes more memory than `maxLength` characters. */
export async function* linesOf(pieces: AsyncIterable<string>, maxLength = 32_768): AsyncGenerator<Line> {
  let number = 0;
  let text = "";
  let isCut = false;

  function append(piece: string): void {
    const room = maxLength - text.length;
    isCut ||= piece.length > room;
    text += piece.length > room ? piece.slice(0, room) : piece;
  }
  function take(): Line {
    number += 1;
    const whole = text.endsWith("\r") ? text.slice(0, -1) : text;
    // A cut may fall between the halves of a surrogate pair.
    const line = { number, text: isCut ? whole.toWellFormed() : whole, isCut };
    text = "";
    isCut = false;
    return line;
  }

  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", start)) {
      append(piece.slice(start, end));
      yield take();
      start = end + 1;
    }
    append(piece.slice(start));
  }
  if (text !== "") yield take();
}
