/** Starting the installed helper through the desktop's own password prompt (polkit). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { causeOf, JobletError } from '../../native-helper/api/errors.ts';

/** The whole of what is ever elevated: fixed, absolute, in a folder that only root writes, nothing variable. */
export const ELEVATED_PROGRAM = '/var/lib/joblet/bin/elevate-start';

/** How long a person may take over the password, ms. */
const PATIENCE_MS = 120_000;
/** How soon init waits for dead processes that lost their parent, ms. */
const REAPED_WITHIN_MS = 2000;
const POLL_MS = 20;
/** Old versions of pkexec close every number up to the limit, which may be 2³⁰. */
const OPEN_FILES = 1024;
/**
 * All that the prompt has of an environment. Of the user's own, pkexec refuses some: a SHELL that /etc/shells doesn't name, a
 * locale with a slash. And its words, which are looked at here, are to be English.
 */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/** Beside this file, from source as well as bundled. */
const CHILD = join(import.meta.dirname, `sudo-prompt-child${extname(import.meta.filename)}`);

interface Fault {
  readonly kind: 'refused' | 'unavailable';
  readonly reason: string;
}

/**
 * Resolves when root has started the helper, or is still at it when the patience with the person at the prompt ends.
 *
 * @throws JobletError (`refused`, `unavailable`) that says what to type instead.
 */
export async function startThroughPrompt(patienceMs = PATIENCE_MS): Promise<void> {
  const fault = await ask(patienceMs);
  if (fault !== null) {
    throw new JobletError(fault.kind, {
      layer: 'elevation',
      operation: 'start',
      object: ELEVATED_PROGRAM,
      reason: fault.reason,
      mend:
        `Start it from a terminal: sudo ${ELEVATED_PROGRAM}; ` +
        `or have an administrator do it for you: sudo env SUDO_UID=${process.getuid?.()} ${ELEVATED_PROGRAM}`,
    });
  }
}

async function ask(patienceMs: number): Promise<Fault | null> {
  const child = spawn('prlimit', [`--nofile=${OPEN_FILES}:${OPEN_FILES}`, '--', process.execPath, CHILD], {
    cwd: '/',
    env: ENVIRONMENT,
    // A group of its own, which the child ends when its standard input does, and so when we do.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const late = AbortSignal.timeout(patienceMs);
  late.addEventListener('abort', () => child.stdin.destroy());
  try {
    const [words, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    if (code === 0 || (late.aborted && (await isRootsByNow(child.pid as number)))) {
      return null;
    }
    return late.aborted
      ? { kind: 'unavailable', reason: `nobody answered the password prompt within ${patienceMs / 1000} s` }
      : explain(words);
  } catch (error) {
    return { kind: 'unavailable', reason: `prlimit can't be run: ${causeOf(error)}` };
  }
}

/** Whether what is left of a group that was killed is root's: pkexec has become the program that it was asked for. */
async function isRootsByNow(group: number): Promise<boolean> {
  for (const end = Date.now() + REAPED_WITHIN_MS; Date.now() < end; await sleep(POLL_MS)) {
    try {
      process.kill(-group, 0); // A dead one of ours that nobody has waited for yet can still be signalled.
    } catch (error) {
      return causeOf(error) === 'EPERM';
    }
  }
  return false;
}

/** @param words a line of sudo-prompt's, then those of pkexec, or of the program once that was allowed. */
function explain(words: string): Fault {
  const [verdict = '', ...others] = words.trim().split('\n');
  const detail = others.join('\n').trim();
  switch (verdict) {
    case 'Unable to find pkexec or kdesudo.':
      return { kind: 'unavailable', reason: 'this machine has no pkexec, so no password prompt' };
    case 'No polkit authentication agent found.':
      return { kind: 'unavailable', reason: 'no password prompt (polkit agent) runs in this session' };
    case 'User did not grant permission.':
      return explainRefusal(detail);
    default:
      return {
        kind: 'unavailable',
        reason: detail || verdict || 'the password prompt failed without a word',
      };
  }
}

/** sudo-prompt calls it a refusal whenever pkexec has not run the program. */
function explainRefusal(detail: string): Fault {
  if (/Request dismissed/.test(detail)) {
    return { kind: 'refused', reason: 'the password prompt was dismissed' };
  }
  if (/Not authorized/.test(detail)) {
    return {
      kind: 'refused',
      reason: 'polkit refused it: a rule of this machine forbids it, or the right password was not given',
    };
  }
  return { kind: 'unavailable', reason: `pkexec failed: ${detail}` };
}
