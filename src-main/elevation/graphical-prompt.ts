/** Starting the installed helper through the desktop's own password prompt (polkit). */
import { spawn } from 'node:child_process';
import { extname, join } from 'node:path';
import { JobletError } from '../../native-helper/api/errors.ts';

/** The whole of what is ever elevated: fixed, absolute, in a folder that only root writes, nothing variable. */
export const ELEVATED_PROGRAM = '/var/lib/joblet/bin/elevate-start';

/** How long a person may take over the password, ms. */
const PATIENCE_MS = 120_000;
/** Old versions of pkexec close every number up to the limit, which may be 2³⁰. */
const OPEN_FILES = 1024;

/** Beside this file, from source as well as bundled. */
const CHILD = join(import.meta.dirname, `sudo-prompt-child${extname(import.meta.filename)}`);

/**
 * @throws JobletError (`refused`, `unavailable`) that says what to type instead.
 */
export async function startThroughPrompt(patienceMs = PATIENCE_MS): Promise<void> {
  const { code, stderr, timedOut } = await runChild(patienceMs);
  if (code === 0) {
    return;
  }
  const { reason, kind } = explain(stderr, timedOut, patienceMs);
  throw new JobletError(kind, {
    layer: 'elevation',
    operation: 'start',
    object: ELEVATED_PROGRAM,
    reason,
    mend: `Start it from a terminal: sudo ${ELEVATED_PROGRAM}`,
  });
}

function explain(
  stderr: string,
  timedOut: boolean,
  patienceMs: number,
): { kind: 'refused' | 'unavailable'; reason: string } {
  if (timedOut) {
    return {
      kind: 'unavailable',
      reason: `nobody answered the password prompt within ${patienceMs / 1000} s`,
    };
  }
  if (/Unable to find pkexec/.test(stderr)) {
    return { kind: 'unavailable', reason: 'this machine has no pkexec, so no password prompt' };
  }
  if (/No polkit authentication agent|No authentication agent/.test(stderr)) {
    return { kind: 'unavailable', reason: 'no password prompt (polkit agent) runs in this session' };
  }
  if (/did not grant permission/.test(stderr)) {
    // sudo-prompt says this for whatever pkexec refuses; pkexec's own words follow it.
    const detail = stderr.trim().split('\n').at(-1);
    return { kind: 'refused', reason: `the password prompt was dismissed, or polkit refused: ${detail}` };
  }
  return { kind: 'unavailable', reason: stderr.trim() || 'the password prompt failed without a word' };
}

function runChild(patienceMs: number): Promise<{ code: number | null; stderr: string; timedOut: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn('prlimit', [`--nofile=${OPEN_FILES}:${OPEN_FILES}`, '--', process.execPath, CHILD], {
      cwd: '/',
      // A group of its own, so that the time limit ends the prompt as well.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    let timedOut = false;
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-4096);
    });
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) {
        process.kill(-child.pid, 'SIGKILL');
      }
    }, patienceMs);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      child.stderr.destroy();
      resolve({ code, stderr, timedOut });
    });
  });
}
