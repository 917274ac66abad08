/** What set-up says while it works. No dependencies: it runs before anything is installed, on Node 20. */
import { createInterface } from 'node:readline';

const HEARTBEAT_MS = 15_000;

/** A failure that its reader can act on. */
export class SetupError extends Error {
  /**
   * @param {string} operation what was being done
   * @param {string} reason why it failed
   * @param {string} mend what to do now
   */
  constructor(operation, reason, mend) {
    super(`${operation}: ${reason.trimEnd()}\n${mend}`);
    this.name = 'SetupError';
  }
}

/** @param {string} title */
export function section(title) {
  process.stdout.write(`\n== ${title}\n`);
}

/**
 * Tells that something is being done, that it still is, and how long it took.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const start = Date.now();
  process.stdout.write(`-- ${what}\n`);
  const heartbeat = setInterval(
    () => process.stdout.write(`   … ${what}, ${seconds(start)} so far\n`),
    HEARTBEAT_MS,
  );
  try {
    const result = await work();
    process.stdout.write(`   done in ${seconds(start)}\n`);
    return result;
  } finally {
    clearInterval(heartbeat);
  }
}

/** @param {number} start */
function seconds(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}

/** Whether a person can be asked. */
export function isInteractive() {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && process.env.CI === undefined;
}

/**
 * @param {string} question
 * @returns {Promise<boolean>}
 */
export async function confirm(question) {
  process.stdout.write(`${question} [y/N] `);
  // Left to the terminal itself, Ctrl-C is a signal as everywhere else, and Ctrl-D an answer.
  const reader = createInterface({ input: process.stdin, terminal: false });
  for await (const answer of reader) {
    reader.close();
    return /^y(es)?$/i.test(answer.trim());
  }
  return false;
}

/**
 * Runs a script's main function; a failure is told in words, and the process ends with 1.
 *
 * @param {() => Promise<number>} main gives the exit code
 */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    const text = error instanceof SetupError ? error.message : (error?.stack ?? String(error));
    process.stderr.write(`\nerror: ${text}\n`);
    process.exitCode = 1;
  }
}
