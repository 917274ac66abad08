import { usageError } from '../errors.ts';

/**
 * A whole number without sign, point or exponent, of any size: its bounds are the schema's matter.
 *
 * @param flag named in the error
 */
export function parseWholeNumber(text: string, flag: string): bigint {
  if (!/^[0-9]{1,40}$/.test(text)) {
    throw usageError(flag, `'${text}' is not a whole number`);
  }
  return BigInt(text);
}
