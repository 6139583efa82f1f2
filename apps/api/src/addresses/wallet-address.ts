import { getAddress } from "viem/utils";
import { z } from "zod";

/** An expression of the form in which addresses are stored. */
export const canonicalAddress = "0x[0-9a-f]{40}";

/**
 * A wallet's address: `0x` and 40 hexadecimal digits, in one case or with the checksum that mixed case is (EIP-55).
 * Gives it in lower case, which is how it is stored.
 */
export const walletAddress = z
  .string()
  .transform((text, context) => {
    const lower = text.toLowerCase();
    if (!/^0x[0-9a-f]{40}$/.test(lower)) {
      context.addIssue("must be a wallet address: 0x and 40 hexadecimal digits");
      return z.NEVER;
    }
    const digits = text.slice(2);
    const isOneCase = digits === digits.toLowerCase() || digits === digits.toUpperCase();
    // What matches the expression above has the type that the library asks for.
    if (!isOneCase && getAddress(lower as `0x${string}`) !== `0x${digits}`) {
      context.addIssue("has a wrong checksum (EIP-55): a digit is mistyped, or write it in lower case");
      return z.NEVER;
    }
    return lower;
  })
  .meta({ example: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" });
