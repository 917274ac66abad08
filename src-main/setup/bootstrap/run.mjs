/** Running programs with their output kept in a file. */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { SetupError } from './terminal.mjs';

/** What a failure shows of a program's output; the rest stands in the log. */
const SHOWN_LINES = 40;

/**
 * Runs a program without a terminal; its output goes to the log and is shown only when it fails.
 *
 * @param {string} log path of the file that the output is added to
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {{ env?: NodeJS.ProcessEnv, mend?: string, timeoutMs?: number }} [options]
 * @returns {Promise<string>} the end of its output
 */
export async function runQuietly(log, program, argv, { env = process.env, mend, timeoutMs = 900_000 } = {}) {
  const { code, tail } = await runLogged(log, program, argv, env, timeoutMs);
  if (code !== 0) {
    const shown = tail.split('\n').slice(-SHOWN_LINES).join('\n');
    throw new SetupError(
      `${program} ${argv.join(' ')}`,
      `${code === null ? `did not end within ${timeoutMs / 1000} s, or was killed` : `exit code ${code}`}\n${shown}`,
      `${mend ?? 'Mend what it says and run this again.'} All that it printed is in ${log}`,
    );
  }
  return tail;
}

/**
 * @param {string} log
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @param {number} timeoutMs
 * @returns {Promise<{ code: number | null, tail: string }>}
 */
async function runLogged(log, program, argv, env, timeoutMs) {
  mkdirSync(dirname(log), { recursive: true });
  const file = createWriteStream(log, { flags: 'a' });
  file.write(`\n$ ${program} ${argv.join(' ')}\n`);
  let tail = '';
  try {
    const code = await new Promise((resolve, reject) => {
      const child = spawn(program, argv, {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          file.write(chunk);
          tail = (tail + chunk).slice(-65_536);
        });
      }
      child.on('error', (error) =>
        reject(new SetupError(program, error.message, `Install ${program} and run this again.`)),
      );
      child.on('close', resolve);
    });
    return { code, tail };
  } finally {
    file.end();
  }
}

/**
 * Runs a program on our own terminal, or whatever we have.
 *
 * @param {string} program
 * @param {readonly string[]} argv
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit code; 128 + signal when it was killed
 */
export function runVisibly(program, argv, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { env, stdio: 'inherit' });
    child.on('error', (error) =>
      reject(new SetupError(program, error.message, `Install ${program} and run this again.`)),
    );
    child.on('close', (code) => resolve(code ?? 137));
  });
}
