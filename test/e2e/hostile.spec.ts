/** Jobs that attack whoever looks at them, by their names, their environment and what they print: nothing happens. */
import { beforeAll, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';

const MARKUP = `<img src=x onerror="document.body.dataset.taken='yes'"><script>document.title='taken'</script>`;
const SECRET = 'what the user had copied';

let desktop: Desktop;
let jobs: Jobs;
const dialogs: string[] = [];
openForAll((opened) => ({ desktop, jobs } = opened));
beforeAll(async () => {
  desktop.page.on('dialog', async (dialog) => {
    dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  await desktop.app.evaluate(({ clipboard }, words) => clipboard.writeText(words), SECRET);
});

async function expectNothingHappened(): Promise<void> {
  const { title, taken, images, clipboard, windows } = {
    ...(await desktop.page.evaluate(() => ({
      title: document.title,
      taken: document.body.dataset.taken,
      images: document.querySelectorAll('main img, main iframe, main a[href]').length,
    }))),
    ...(await desktop.app.evaluate(({ BrowserWindow, clipboard }) => ({
      clipboard: clipboard.readText(),
      windows: BrowserWindow.getAllWindows().map((window) => window.getTitle()),
    }))),
  };
  expect({ title, taken, images, clipboard, windows, dialogs }).toEqual({
    title: 'Joblet',
    taken: undefined,
    images: 0,
    clipboard: SECRET,
    windows: ['Joblet'],
    dialogs: [],
  });
  expect(desktop.log).not.toContain('refused a navigation');
  expect(desktop.log).not.toContain('refused a new window');
}

/** What the output tries, and what prints it. */
const OUTPUTS: readonly (readonly [string, string])[] = [
  ['another title', "printf '\\033]0;taken\\007\\033]2;taken\\033\\\\'"],
  ['the clipboard', "printf '\\033]52;c;dGFrZW4=\\007\\033]52;c;?\\007'"],
  ['a link', "printf '\\033]8;;https://example.invalid/\\033\\\\click\\033]8;;\\033\\\\'"],
  ['answers of the terminal', "printf '\\033[c\\033[6n\\033[21t\\033]11;?\\007\\005'"],
  ['markup', `printf '%s' '${MARKUP.replaceAll("'", "'\\''")}'`],
  ['a line of 10 MB', "head -c 10000000 /dev/zero | tr '\\0' x"],
  ['invalid UTF-8', "printf '\\377\\376\\300\\200\\355\\240\\200\\364\\220\\200\\200'"],
  [
    'sequences without an end',
    "printf '\\033]0;never\\033P\\033_\\033^'; head -c 200000 /dev/zero | tr '\\0' A",
  ],
];

it.each([
  ['markup', { name: MARKUP.slice(0, 128) }],
  ['the address of a script', { name: 'javascript:alert(1)' }],
  [
    'markup in command and environment',
    { args: [MARKUP], environment: { PAYLOAD: `${MARKUP}\u001b]0;taken\u0007` } },
  ],
])('a job with %s', async (_what, spec) => {
  const uuid = await jobs.run(spec);
  await jobs.ended(uuid);
  await desktop.page.getByRole('navigation').getByRole('button', { name: text.pages.jobs }).click();
  await desktop.page.getByRole('grid').getByRole('row').nth(1).waitFor();
  await expectNothingHappened();
});

it.each(OUTPUTS)('output with %s', async (what, words) => {
  const uuid = await jobs.shell(`${words}; printf '\\nall of it shown\\n'`, what);
  await jobs.ended(uuid);
  await desktop.openJob(what);
  // Whatever came before did not swallow it.
  await desktop.page.locator('.log-lines').getByText('all of it shown').waitFor();
  await expectNothingHappened();
});
