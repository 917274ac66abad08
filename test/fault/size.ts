/** How much of the suite is run: all of it by `npm run fault`, a tenth by `npm test`. */
const IS_WHOLE = process.env.JOBLET_FAULT === 'whole';
const PART = 10;
/** Longer than anything that a test waits for, so that it says itself what did not come. */
const LEAST_MS = 300_000;
/** Emulated, everything takes many times as long. */
const PATIENCE = process.env.JOBLET_VM === '1' ? 6 : 1;

/** @param whole of the whole suite. @param part another one than the tenth. @returns how many of it this run takes. */
export function sized(whole: number, part = PART): number {
  return IS_WHOLE ? whole : Math.ceil(whole / part);
}

/** @param wholeMs what the whole of it may take, far beyond what it does. @returns what it may take here, ms. */
export function within(wholeMs: number): number {
  return Math.max(sized(wholeMs), LEAST_MS) * PATIENCE;
}
