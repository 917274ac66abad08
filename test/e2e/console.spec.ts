/** Terminals that are typed into: a job's own, and shells in it. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import { order } from './control.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { photograph } from './screens.ts';
import { surroundings } from './surroundings.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const HANGS_UP = 'trap "touch /work/hung-up; exit" HUP; echo ready-$((1 + 4)); while :; do sleep 0.1; done';

/** Of one job. */
const MOST_SESSIONS = 16;

const screen = (label: string) => desktop.page.getByRole('region', { name: label, exact: true });
const rows = (label: string) => screen(label).locator('.xterm-rows');
const type = (words: string) => desktop.page.keyboard.type(words);
const press = (key: string) => desktop.page.keyboard.press(key);

const asRoot = (name: Parameters<typeof order>[1]) => order(surroundings().JOBLET_E2E_CONTROL, name);
const status = (words: string) => desktop.page.getByRole('status').getByText(words);

async function openShell(name: string) {
  await openTerminals(name);
  await press('Control+Shift+T');
  const shell = rows(text.console.shell(1));
  await shell.getByText(/[$#]/).waitFor();
  return shell;
}

async function openTerminals(name: string): Promise<void> {
  await desktop.openJob(name);
  await press('t');
}

it('types into the terminal of a job, whose size it gives, and interrupts it', async () => {
  await jobs.run({
    name: 'asks',
    command: 'sh',
    args: [
      '-c',
      'read word; echo "got <$word> $(stty size)"; trap "echo caught; exit 7" INT; while :; do sleep 0.1; done',
    ],
    terminal: { columns: 80, rows: 24 },
  });
  await openTerminals('asks');
  const terminal = rows(text.console.job);
  await desktop.page.getByText(text.console.hint('Ctrl+Shift+L')).waitFor();
  await type('some words\n');
  await terminal.getByText(/got <some words> \d+ \d+/).waitFor();
  expect(await terminal.textContent()).not.toContain('<some words> 24 80');
  await press('Control+C');
  await terminal.getByText('caught').waitFor();
  await desktop.page.getByText(text.console.jobEnded).waitFor();
});

it('answers nothing that was asked before it was opened', async () => {
  await jobs.run({
    name: 'asked',
    command: 'sh',
    args: [
      '-c',
      'stty -echo -icanon min 0 time 5; printf "\\033[6n"; sleep 3; echo "read <$(dd bs=99 count=1 2>/dev/null | wc -c)>"; sleep 60',
    ],
    terminal: { columns: 80, rows: 24 },
  });
  await openTerminals('asked');
  await rows(text.console.job).getByText('read <0>').waitFor();
});

it('opens shells beside each other, and ends one with its window', async () => {
  await jobs.shell('sleep 300', 'sleeper');
  await openTerminals('sleeper');
  await press('Control+Shift+T');
  const first = rows(text.console.shell(1));
  await first.getByText(/[$#]/).waitFor();
  await type('echo one-$((40 + 2))\n');
  await first.getByText('one-42', { exact: true }).waitFor();
  await press('Control+Shift+T');
  const second = rows(text.console.shell(2));
  await second.getByText(/[$#]/).waitFor();
  await press('Control+Shift+ArrowRight');
  await type('echo still-$((1 + 1))\n');
  await first.getByText('still-2', { exact: true }).waitFor();
  await type(`exec sh -c '${HANGS_UP}'\n`);
  await first.getByText('ready-5', { exact: true }).waitFor();
  await press('Control+Shift+W');
  await first.waitFor({ state: 'detached' });
  await type('until [ -e /work/hung-up ]; do sleep 0.1; done; echo was-$((1 + 2))\n');
  await second.getByText('was-3', { exact: true }).waitFor();
  await type('exit 3\n');
  await desktop.page.getByText(text.console.shellEnded(3)).waitFor();
});

it('leaves the clipboard and the title of the window alone, and the keyboard to the app when told to', async () => {
  await jobs.shell('sleep 300', 'hostile');
  await openTerminals('hostile');
  await press('Control+Shift+T');
  const shell = rows(text.console.shell(1));
  await shell.getByText(/[$#]/).waitFor();
  const title = await desktop.page.title();
  await desktop.app.evaluate(({ clipboard }) => clipboard.writeText('mine'));
  await type('printf "\\033]52;c;c3RvbGVu\\007\\033]0;stolen\\007done-%s\\n" now\n');
  await shell.getByText('done-now', { exact: true }).waitFor();
  expect(await desktop.app.evaluate(({ clipboard }) => clipboard.readText())).toBe('mine');
  expect(await desktop.page.title()).toBe(title);
  await press('Control+Shift+L');
  await press('o');
  await desktop.page.getByRole('toolbar', { name: text.terminal.group, exact: true }).waitFor();
});

it('stays usable while a shell floods it', async () => {
  await jobs.shell('sleep 300', 'flooded');
  await openTerminals('flooded');
  await press('Control+Shift+T');
  const shell = rows(text.console.shell(1));
  await shell.getByText(/[$#]/).waitFor();
  await type('yes flood\n');
  await shell.getByText('flood', { exact: true }).first().waitFor();
  await press('Control+C');
  await type('echo over-$((2 + 2))\n');
  await shell.getByText('over-4', { exact: true }).waitFor();
});

it('says why no shell could be opened, and finds one that is not in the PATH of the job', async () => {
  await jobs.run({
    name: 'pathless',
    command: '/bin/sleep',
    args: ['300'],
    environment: { PATH: '/nowhere' },
  });
  await openShell('pathless');
  for (let shell = 2; shell <= MOST_SESSIONS + 1; shell += 1) {
    await press('Control+Shift+T');
    await rows(text.console.shell(shell)).waitFor();
  }
  await status(text.console.failed).waitFor();
  expect(await desktop.page.getByText(text.console.hintOutside('Ctrl+Enter')).count()).toBe(0);
  await photograph(desktop, 'console-failed');
});

it('tells that a shell ended with its job', async () => {
  const uuid = await jobs.shell('sleep 300', 'short');
  await openShell('short');
  await press('Control+Shift+L');
  await press('s');
  await jobs.ended(uuid);
  await status(text.console.shellEnded(137)).waitFor();
  const opens = desktop.page.getByRole('button', { name: text.console.newShell });
  await expect.poll(() => opens.isDisabled()).toBe(true);
  await photograph(desktop, 'console-over');
});

it('closes a shell with the helper, keeps the terminal of the job, and opens another when it is back', async () => {
  await jobs.run({
    name: 'survivor',
    command: 'sh',
    args: ['-c', 'while read -r line; do echo "got <$line>"; done'],
    terminal: { columns: 80, rows: 24 },
  });
  await openTerminals('survivor');
  const terminal = rows(text.console.job);
  await desktop.page.getByText(text.console.hint('Ctrl+Shift+L')).waitFor();
  await type('before\n');
  await terminal.getByText('got <before>').waitFor();
  await press('Control+Shift+T');
  await rows(text.console.shell(1)).getByText(/[$#]/).waitFor();
  await asRoot('kill-helper');
  await status(text.console.failed).waitFor();
  await photograph(desktop, 'console-lost');
  await asRoot('start-helper');
  await desktop.connected();
  await press('Control+Shift+ArrowRight');
  await type('after\n');
  await terminal.getByText('got <after>').waitFor();
  await press('Control+Shift+T');
  await rows(text.console.shell(2)).getByText(/[$#]/).waitFor();
});

it('takes a paste of a megabyte whole, and stays usable meanwhile', async () => {
  await jobs.shell('sleep 300', 'pasted');
  const shell = await openShell('pasted');
  const megabyte = '0123456789abcde\n'.repeat(65_536);
  await desktop.app.evaluate(({ clipboard }, words) => clipboard.writeText(words), megabyte);
  await type('stty -echo; echo re-ady; head -c 1048576 | sha256sum; stty echo\n');
  await shell.getByText('re-ady', { exact: true }).waitFor();
  await press('Control+Shift+V');
  await shell.getByText(createHash('sha256').update(megabyte).digest('hex')).waitFor();
});

it('follows the size of the window', async () => {
  await jobs.shell('sleep 300', 'sized');
  const shell = await openShell('sized');
  await type('while sleep 0.1; do stty size; done\n');
  await desktop.resize(1280, 800);
  await desktop.resize(900, 600);
  const told = async () => `${await shell.locator('> div').count()} `;
  await expect.poll(async () => (await shell.textContent())?.includes(await told())).toBe(true);
});
