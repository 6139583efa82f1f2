import type { QueueName } from "./catalogue.ts";

/** How many slots a Redis Cluster spreads its keys over. */
const slots = 16_384;

/**
 * What a queue of the catalogue is called in Redis; ingest is `ingestQueues` queues that share its work. The text in
 * braces alone decides on which node of a Redis Cluster a queue lies, with all its keys; it is chosen so that the
 * queues lie evenly over the slots.
 */
export function wireNamesOf(queue: QueueName, ingestQueues: number): readonly string[] {
  const count = queue === "ingest" ? ingestQueues : 1;
  if (count === 1) return [`{${queue}}`];
  return Array.from({ length: count }, (_, index) => `${queue}-${index + 1}-of-${count}{${tagFor(index, count)}}`);
}

/** The catalogue's name of a queue that is called `wireName` in Redis. */
export function queueOf(wireName: string): string {
  return wireName.replace(/^\{(.+)\}$/, "$1").replace(/-\d+-of-\d+\{.*\}$/, "");
}

/** What people call a queue that is called `wireName` in Redis. */
export function titleOf(wireName: string): string {
  const [, name, index, count] = /^(\w+)-(\d+)-of-(\d+)\{.*\}$/.exec(wireName) ?? [];
  return name === undefined ? queueOf(wireName) : `${name} ${index} of ${count}`;
}

/** The first short text whose slot is in the middle of the `index`-th of `count` parts of all slots. */
function tagFor(index: number, count: number): string {
  const from = ((index + 0.25) * slots) / count;
  const to = ((index + 0.75) * slots) / count;
  for (let number = 0; ; number += 1) {
    const tag = number.toString(36);
    const slot = slotOf(tag);
    if (slot >= from && slot < to) return tag;
  }
}

/** The slot of a hash tag: CRC16 (XMODEM) modulo the number of slots, as the Redis Cluster specification has it. */
export function slotOf(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  }
  return (crc & 0xffff) % slots;
}
