/** The report's mix: mostly reads, of few users very often and of many rarely. */
export interface Call {
  readonly kind: string;
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly body?: string;
}

export const users = 10_000;
/** As in workload B of YCSB (Cooper et al., SoCC 2010), which is also where 95 reads to 5 writes come from. */
const exponent = 0.99;

export const addressOf = (n: number): string => `0x${n.toString(16).padStart(40, "0")}`;
/** The id of the bench's nth session. */
export const sessionOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;

/** Whom somebody calls: mostly the same. */
const friendOf = (user: number): number => 1 + (user % users);

const shares: readonly (readonly [share: number, call: (user: number) => Call])[] = [
  [0.4, (user) => get("user", `/v1/users/${addressOf(user)}`)],
  [0.2, (user) => get("sessions of address", `/v1/sessions?address=${addressOf(user)}`)],
  [0.15, (user) => get("session", `/v1/sessions/${sessionOf(user)}`)],
  [0.15, (user) => get("balance", `/v1/balances/${addressOf(user)}/wei`)],
  [0.05, (user) => get("block check", `/v1/blocks/check?one=${addressOf(user)}&other=${addressOf(friendOf(user))}`)],
  [0.025, (user) => put("set balance", `/v1/balances/${addressOf(user)}/wei`, { amount: String(Date.now()) })],
  [0.015, (user) => put("save user", `/v1/users/${addressOf(user)}`, { display_name: `User ${user}` })],
  [
    0.01,
    (user) => ({
      kind: "create session",
      method: "POST",
      path: "/v1/sessions",
      body: JSON.stringify({ a_addr: addressOf(user), b_addr: addressOf(friendOf(user)) }),
    }),
  ],
];

function get(kind: string, path: string): Call {
  return { kind, method: "GET", path };
}

function put(kind: string, path: string, body: object): Call {
  return { kind, method: "PUT", path, body: JSON.stringify(body) };
}

/** Every read that there may be, once. */
export function* allReads(): Generator<string> {
  for (let user = 1; user <= users; user += 1) {
    for (const [, call] of shares) {
      const { method, path } = call(user);
      if (method === "GET") yield path;
    }
  }
}

/** Draws calls; users by Zipf's law, in an order of their own that has nothing to do with their addresses. */
export function createMix(random: () => number): () => Call {
  const cumulative: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= users; rank += 1) {
    sum += rank ** -exponent;
    cumulative.push(sum);
  }
  const user = (): number => {
    const wanted = random() * sum;
    let low = 0;
    let high = users - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? sum) < wanted) low = middle + 1;
      else high = middle;
    }
    return 1 + ((low * 7_919) % users);
  };
  return () => {
    let rest = random();
    for (const [share, call] of shares) {
      if (rest < share) return call(user());
      rest -= share;
    }
    return get("user", `/v1/users/${addressOf(user())}`);
  };
}
