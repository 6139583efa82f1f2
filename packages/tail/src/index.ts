export type { TailFilter } from "./channel.ts";
export { createTailFeed, type TailEvent, type TailFeed, type TailListener } from "./feed.ts";
export { startTailPublisher, type TailPublisher, type TailPublisherOptions } from "./publisher.ts";
export { createTokenBucket, type TokenBucket } from "./token-bucket.ts";
