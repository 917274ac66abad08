/** Opening the app of this checkout, detached from the terminal. */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheDirectory, whyNoSandbox } from './electron.mjs';
import { ROOT } from './prepare.mjs';
import { SetupError } from './terminal.mjs';

/** A display on this machine answers at once, one that is forwarded soon. */
const ANSWER_MS = 3000;
/** An app that lives so long has found its libraries, its display and its sandbox. */
const SETTLED_MS = 3000;

/** Whether DISPLAY or WAYLAND_DISPLAY names a display that answers. */
export async function hasDisplay({ DISPLAY, WAYLAND_DISPLAY, XDG_RUNTIME_DIR = '/' } = process.env) {
  const places = [];
  if (WAYLAND_DISPLAY) {
    places.push({ path: join(WAYLAND_DISPLAY.startsWith('/') ? '/' : XDG_RUNTIME_DIR, WAYLAND_DISPLAY) });
  }
  const [, host, number] = /^(.*):(\d+)(?:\.\d+)?$/.exec(DISPLAY ?? '') ?? [];
  if (number !== undefined && (host === '' || host === 'unix')) {
    const path = `/tmp/.X11-unix/X${number}`;
    places.push({ path }, { path: `\0${path}` });
  } else if (number !== undefined) {
    places.push({ host, port: 6000 + Number(number) });
  }
  const answers = await Promise.all(places.map(answersAt));
  return answers.includes(true);
}

/** @param {import('node:net').NetConnectOpts} place */
function answersAt(place) {
  return new Promise((resolve) => {
    const socket = createConnection({ ...place, timeout: ANSWER_MS });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
  });
}

/**
 * Resolves once the app stays open, or has handed over to the one that is open already.
 *
 * @param {import('./electron.mjs').Electron} electron
 * @param {readonly string[]} [argv] more flags of the app
 */
export async function openApp(electron, argv = []) {
  const isRoot = process.getuid() === 0;
  if (isRoot) {
    process.stdout.write(
      "-- As root the app runs without Chromium's sandbox (--no-sandbox). That is weaker: a fault in the page would act as\n" +
        '   root. Open it as an ordinary user, by dist/joblet-desktop, for daily use.\n',
    );
  } else {
    requireSandbox(electron);
  }
  const log = join(cacheDirectory(), 'desktop.log');
  mkdirSync(cacheDirectory(), { recursive: true });
  const output = openSync(log, 'w', 0o600);
  const child = spawn(electron.executable, [ROOT, ...(isRoot ? ['--no-sandbox'] : []), ...argv], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
  });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(code ?? signal));
  });
  tell(electron, log, await Promise.race([ended, delay(SETTLED_MS, 'open', { ref: false })]));
  child.unref();
}

/** @param {import('./electron.mjs').Electron} electron */
function requireSandbox(electron) {
  const problem = whyNoSandbox(electron);
  if (problem !== null) {
    throw new SetupError('the app', "it is not opened without Chromium's sandbox", problem);
  }
}

/**
 * @param {import('./electron.mjs').Electron} electron
 * @param {string} log
 * @param {number | string} state how it ended; `open` = it did not
 */
function tell({ version, isStandIn }, log, state) {
  if (state !== 'open' && state !== 0) {
    throw new SetupError(
      'the app',
      `it ended (${state}) and said:\n${readFileSync(log, 'utf8').slice(-4000)}`,
      `All that it said is in ${log}; the jobs and the command line do not need it.`,
    );
  }
  process.stdout.write(
    state === 0
      ? '-- The app was open already.\n'
      : `-- The app is open, on Electron ${version}${isStandIn ? ' (a stand-in)' : ''}; it stays when this terminal is closed.\n`,
  );
}
