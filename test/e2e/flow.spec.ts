/** What a person does in a day: type a command, watch it, stop another, run one again with changes, lose the helper. */
import { describe, expect, it } from 'vitest';
import { text } from '../../src-renderer/text.ts';
import { order } from './control.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { surroundings } from './surroundings.ts';

const { JOBLET_E2E_CONTROL } = surroundings();

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

const command = () =>
  desktop.page.getByRole('textbox', { name: text.newJob.fields.command.label, exact: true });
const output = () => desktop.page.locator('.log-lines');

async function openForm(): Promise<void> {
  await desktop.page.getByRole('navigation').getByRole('button', { name: text.actions.newJob }).click();
  await command().waitFor();
}

describe('a person', () => {
  it('types a command and sees its output while it is printed', async () => {
    await openForm();
    await command().fill('echo first; sleep 4; echo last');
    await desktop.page.keyboard.press('Control+Enter');
    await output().getByText('first').waitFor();
    expect(await output().getByText('last').count()).toBe(0);
    await desktop.page.getByRole('main').getByText(text.status.RUNNING, { exact: true }).waitFor();
    await output().getByText('last').waitFor();
    await desktop.page.getByRole('main').getByText(text.status.COMPLETED, { exact: true }).waitFor();
  });

  it('stops another job from the list', async () => {
    await jobs.shell('sleep 1000', 'the long one');
    await desktop.page.getByRole('navigation').getByRole('button', { name: text.pages.jobs }).click();
    const row = desktop.page.getByRole('row').filter({ hasText: 'the long one' });
    await row.click();
    await desktop.page.keyboard.press('s');
    await row.getByText(text.status.STOPPED).waitFor();
  });

  it('pauses a job, sees in its chart that it stands still, and lets it go on', async () => {
    await jobs.shell('while :; do :; done', 'the busy one');
    await desktop.openJob('the busy one');
    const main = desktop.page.getByRole('main');
    await desktop.page.keyboard.press('u');
    const used = main.locator('figcaption').filter({ hasText: text.usage.cpu }).first().locator('b');
    await used.filter({ hasText: /^[1-9]/ }).waitFor();
    await desktop.page.keyboard.press('p');
    await main.getByText(text.status.PAUSED, { exact: true }).waitFor();
    await used.filter({ hasText: /^0 %$/ }).waitFor();
    await desktop.page.keyboard.press('p');
    await main.getByText(text.status.RUNNING, { exact: true }).waitFor();
    await used.filter({ hasText: /^[1-9]/ }).waitFor();
    await desktop.page.keyboard.press('s');
    await main.getByText(text.status.STOPPED, { exact: true }).waitFor();
  });

  it('runs one again with changes, and nothing of it is lost', async () => {
    const uuid = await jobs.run({
      name: 'greeting',
      command: 'sh',
      args: ['-c', 'echo "$GREETING"'],
      environment: { GREETING: 'good morning' },
    });
    await jobs.ended(uuid);
    await desktop.openJob('greeting');
    await output().getByText('good morning').waitFor();
    await desktop.page.keyboard.press('e');
    await command().fill('echo "$GREETING, again"');
    await desktop.page.keyboard.press('Control+Enter');
    await output().getByText('good morning, again').waitFor();
  });

  it('loses the helper in the middle of an output and misses nothing of it', async () => {
    await jobs.shell('for number in $(seq 100 130); do echo "line $number"; sleep 0.2; done', 'counting');
    await desktop.openJob('counting');
    await output().getByText('line 103').waitFor();
    const banner = desktop.page.locator('strong', { hasText: text.link.lost.title });
    await order(JOBLET_E2E_CONTROL, 'kill-helper');
    try {
      await banner.waitFor();
    } finally {
      await order(JOBLET_E2E_CONTROL, 'start-helper');
    }
    await banner.waitFor({ state: 'detached' });
    await output().getByText('line 130').waitFor();
    const lines = (await output().locator('> div').allTextContents()).filter((line) => line.includes('line'));
    expect(lines.map((line) => Number(/line (\d+)/.exec(line)?.[1]))).toEqual(
      Array.from({ length: 31 }, (_, index) => 100 + index),
    );
  });
});
