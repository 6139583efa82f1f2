/** A position in the log of a PostgreSQL cluster as it writes it: `16/B374D848`. */
export type Lsn = string;

const form = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

/** Whether a text that somebody sent is a position. */
export function isLsn(text: string): text is Lsn {
  return form.test(text);
}

/** The position as bytes of log since the cluster was made; positions compare as these do. */
export function bytesAt(lsn: Lsn): bigint {
  const [, high = "0", low = "0"] = form.exec(lsn) ?? [];
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}
