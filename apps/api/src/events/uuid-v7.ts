import { randomFillSync } from "node:crypto";

const pool = new Uint8Array(4_096);
let used = pool.length;

/** A new UUID of version 7 (RFC 9562, 5.7): 48 bits of Unix time in ms, then random bits. */
export function randomUUIDv7(now: number = Date.now()): string {
  if (used + 10 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = Buffer.from(pool.buffer, used, 10).toString("hex");
  used += 10;
  return uuidV7Of(now, random);
}

/** The UUID of version 7 with this time in ms and these random bits, 20 hexadecimal digits. */
export function uuidV7Of(now: number, random: string): string {
  const time = now.toString(16).padStart(12, "0");
  const variant = "89ab"[Number.parseInt(random[3] ?? "0", 16) & 3];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}
