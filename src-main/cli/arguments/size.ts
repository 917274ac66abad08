/** Sizes of memory. A unit is a power of 1024, as Joblet's users know it: 1 MB is 1048576 bytes. */
import { usageError } from '../errors.ts';

const UNITS: Readonly<Record<string, bigint>> = {
  B: 1n,
  KB: 1024n,
  MB: 1024n ** 2n,
  GB: 1024n ** 3n,
  TB: 1024n ** 4n,
};
const MEGABYTE = 1024n ** 2n;

/**
 * Bytes from `256` (megabytes), `256MB`, `8GB`, `4097B`; units in any case.
 *
 * @param flag named in the error
 */
export function parseMemorySize(text: string, flag: string): bigint {
  const [, digits, unit] = /^([0-9]{1,40})([KMGT]?B)?$/i.exec(text) ?? [];
  if (digits === undefined) {
    throw usageError(
      flag,
      `'${text}' is not a size`,
      'Write a whole number of megabytes, or one with B, KB, MB, GB or TB.',
    );
  }
  return BigInt(digits) * (UNITS[unit?.toUpperCase() ?? 'MB'] ?? MEGABYTE);
}

/** `256 MB`, or a smaller unit where it takes one to be exact. */
export function formatMemorySize(bytes: bigint): string {
  if (bytes % MEGABYTE === 0n) {
    return `${bytes / MEGABYTE} MB`;
  }
  return bytes % 1024n === 0n ? `${bytes / 1024n} KB` : `${bytes} bytes`;
}

/** A number of megabytes for JSON: whole when it is, else with its fraction. */
export function megabytes(bytes: bigint): bigint | number {
  return bytes % MEGABYTE === 0n ? bytes / MEGABYTE : Number(bytes) / Number(MEGABYTE);
}
