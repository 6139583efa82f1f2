export interface BannerFacts {
  readonly apiUrl: string;
  readonly key: string | undefined;
  readonly dataDir: string;
  readonly postgres: string;
  readonly redis: string;
}

/** What `npm start` prints when everything runs. */
export function bannerOf({ apiUrl, key, dataDir, postgres, redis }: BannerFacts): string {
  const keyText = key ?? "create one: npm run keys -- create --name me --scope ingest --scope read";
  const bearer = `-H 'authorization: Bearer ${key ?? "KEY"}'`;
  const event = `{"source":"/quickstart","type":"hello","data":{"n":1}}`;
  return `
Millrace is ready.

  API         ${apiUrl}
  Docs        ${apiUrl}/docs
  Console     ${apiUrl}/console (sign in with the key)
  Queues      ${apiUrl}/queues
  Key         ${keyText}
  Data        ${dataDir}
  PostgreSQL  ${postgres}
  Redis       ${redis}

Send an event, and read it back:

  curl -i -X POST ${apiUrl}/v1/events ${bearer} -H 'content-type: application/json' -d '${event}'
  curl '${apiUrl}/v1/events?type=hello' ${bearer}

Ctrl-C stops everything; the data stays.
`;
}
