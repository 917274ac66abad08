/** Terminals that are typed into: a job's own, and shells in it. */
import { expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const HANGS_UP = 'trap "touch /work/hung-up; exit" HUP; echo ready-$((1 + 4)); while :; do sleep 0.1; done';

const screen = (label: string) => desktop.page.getByRole('region', { name: label, exact: true });
const rows = (label: string) => screen(label).locator('.xterm-rows');
const type = (words: string) => desktop.page.keyboard.type(words);
const press = (key: string) => desktop.page.keyboard.press(key);

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
      'stty -echo -icanon min 0 time 20; printf "\\033[6n"; sleep 5; echo "read <$(dd bs=99 count=1 2>/dev/null | wc -c)>"; sleep 60',
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
