/** An expression of the form in which PostgreSQL gives a UUID. */
export const canonicalId = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
