import { recoverMessageAddress } from "viem";
import { parseSiweMessage, validateSiweMessage } from "viem/siwe";
import { HttpProblem } from "../http/problem.ts";

export interface SignedMessage {
  readonly message: string;
  readonly signature: string;
}

export interface VerifiedMessage {
  /** In lower case. */
  readonly address: string;
  readonly nonce: string;
  readonly chainId: number;
  readonly uri: string;
}

/**
 * What a "Sign-In with Ethereum" message (EIP-4361) says, if it is for one of our domains, for now, and signed by its
 * address. Throws 422 otherwise. Its nonce has yet to be used up.
 */
export async function verifiedMessage(
  { message, signature }: SignedMessage,
  { domains, now }: { domains: readonly string[]; now: Date },
): Promise<VerifiedMessage> {
  const parsed = parseSiweMessage(message);
  const { address, nonce, chainId, uri, domain, version } = parsed;
  if (
    address === undefined ||
    nonce === undefined ||
    chainId === undefined ||
    uri === undefined ||
    domain === undefined ||
    version !== "1"
  ) {
    throw notVerified("message_invalid", "The message is not one of EIP-4361 with all that it requires");
  }
  if (!domains.includes(domain)) {
    throw notVerified("domain_not_ours", `The message is for ${domain}; here it must be for ${domains.join(" or ")}`);
  }
  if (!validateSiweMessage({ message: parsed, time: now })) {
    throw notVerified("message_out_of_time", "The message has expired or is not valid yet");
  }
  // Its form was checked with the request.
  const signer = await recoverMessageAddress({ message, signature: signature as `0x${string}` }).catch(() => undefined);
  if (signer?.toLowerCase() !== address.toLowerCase()) {
    throw notVerified("signature_wrong", `The signature is not one of ${address} over this message`);
  }
  return { address: address.toLowerCase(), nonce, chainId, uri };
}

function notVerified(code: string, detail: string): HttpProblem {
  return new HttpProblem({ status: 422, code, detail });
}
