/** Starting the helper as an ordinary user with no terminal: what is asked of an administrator, and what sudo allows unasked. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOBLET } from '../fixtures/dist.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const PATIENCE_MS = 60_000;
/** In the user database of every Linux system, and in no sudoers file. */
const DAEMON = { name: 'daemon', uid: 1 };

/**
 * Shows the checkout at a path that anybody can pass through, and our own sudoers file, to what follows: a uid and its command. The
 * machine's files for sudo are not root's to read where tests run in QEMU by an ordinary user.
 */
const ENTER = `
set -e
mount --bind "$1" "$2"
[ ! -e /etc/sudoers ] || mount --bind "$3" /etc/sudoers
uid=$4
shift 4
exec setpriv --reuid "$uid" --regid "$uid" --clear-groups env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
`;

let root: string;
let checkout: string;

beforeEach(() => {
  root = temporaryRoot();
  checkout = join(root, 'checkout');
  mkdirSync(checkout);
});

afterEach(() => {
  spawnSync(JOBLET, ['--root', root, 'helper', 'stop'], { timeout: PATIENCE_MS });
  rmSync(root, { recursive: true, force: true });
});

function runAs(uid: number, argv: readonly string[], rules = ''): SpawnSyncReturns<string> {
  const sudoers = join(root, 'sudoers');
  writeFileSync(sudoers, `Defaults !pam_acct_mgmt, !pam_session\n${rules}`, { mode: 0o440 });
  const enter = ['--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'sh'];
  return spawnSync('unshare', [...enter, CHECKOUT, checkout, sudoers, String(uid), ...argv], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  });
}

/** `joblet` as the user, who has nobody's terminal. */
const joblet = (words: readonly string[], rules?: string): SpawnSyncReturns<string> =>
  runAs(DAEMON.uid, [join(checkout, 'dist/joblet'), '--root', root, ...words], rules);

describe('an ordinary user', () => {
  it('who may not become root is told a command that lets them in when another runs it', () => {
    const { status, stderr } = joblet(['helper', 'start']);
    expect(status).toBe(1);
    expect(stderr).toContain('have an administrator run it');
    const command = stderr.slice(stderr.indexOf('sudo /bin/sh'), stderr.lastIndexOf('\n\njoblet: '));
    expect(runAs(0, ['sh', '-c', command.replace(/^sudo /, '')]).status).toBe(0);
    expect(joblet(['helper', 'start']).stdout).toContain('runs already');
  });

  it.skipIf(!existsSync('/usr/bin/sudo'))('of whom sudo asks no password needs no terminal', () => {
    expect(joblet(['helper', 'start'], `${DAEMON.name} ALL=(ALL) NOPASSWD: ALL\n`).status).toBe(0);
    // sudo gives its programs a hard limit of 0 on core dumps, which a job can't raise.
    expect(joblet(['job', 'run', '--follow', 'true'])).toMatchObject({ status: 0, stdout: '' });
  });
});
