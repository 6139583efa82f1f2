import manifest from "../package.json" with { type: "json" };

/** The version of Millrace, which all its packages share. */
export const version = manifest.version;
