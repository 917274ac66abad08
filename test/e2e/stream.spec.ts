/** A job's output on its way into the window: while it is printed, byte for byte, whatever happens to the helper. */
import { describe, expect, it } from 'vitest';
import { STREAM_REQUEST, type StreamMessage } from '../../src-main/ipc/wire.ts';
import type {} from '../../src-renderer/ipc/client.ts';
import { order } from './control.ts';
import type { Desktop } from './desktop.ts';
import type { Jobs } from './jobs.ts';
import { openForAll } from './open-for-all.ts';
import { surroundings } from './surroundings.ts';

const { JOBLET_E2E_CONTROL } = surroundings();

declare global {
  interface Window {
    /** What the log's stream has brought to the page so far, a character a byte. */
    collected: { kinds: string[]; text: string; isOver: boolean };
  }
}

let desktop: Desktop;
let jobs: Jobs;
openForAll((opened) => ({ desktop, jobs } = opened));

/** Follows a log in the page, as the terminal does: an item at a time. */
const collect = (uuid: string): Promise<void> =>
  desktop.page.evaluate(
    ([type, uuid]) => {
      const { port1, port2 } = new MessageChannel();
      const collected = { kinds: [] as string[], text: '', isOver: false };
      window.collected = collected;
      port1.onmessage = ({ data: message }: { data: StreamMessage }) => {
        if (message.kind !== 'item') {
          collected.kinds.push(message.kind);
          collected.isOver = true;
          return;
        }
        const item = message.value as { kind: string; data?: Uint8Array };
        if (item.data === undefined) {
          collected.kinds.push(item.kind);
        } else {
          collected.text += Array.from(item.data, (byte) => String.fromCharCode(byte)).join('');
        }
        port1.postMessage({ more: 1 });
      };
      const payload = { uuid, from: { offset: 0 }, stream: 'both', maySkip: false };
      window.postMessage({ type, channel: 'log', payload }, location.origin, [port2]);
    },
    [STREAM_REQUEST, uuid] as const,
  );
const collected = () => desktop.page.evaluate(() => window.collected);
const textSoFar = () => desktop.page.evaluate(() => window.collected.text);
const untilOver = () =>
  desktop.page.waitForFunction(() => window.collected.isOver, undefined, { timeout: 45_000 });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');

describe('the stream of a log', () => {
  it('brings each line while the job still prints', async () => {
    await collect(await jobs.shell('for n in 1 2 3; do echo $n; sleep 1; done'));
    await expect.poll(textSoFar, { timeout: 10_000, interval: 20 }).toBe('1\n');
    expect((await collected()).isOver).toBe(false);
    await untilOver();
    expect(await collected()).toEqual({ kinds: ['end'], text: numbers(3), isOver: true });
  });

  it('goes on without gap or double when the helper is killed and started again', async () => {
    await collect(await jobs.shell('for n in $(seq 120); do echo $n; sleep 0.05; done'));
    await expect.poll(textSoFar, { timeout: 10_000 }).toContain('\n10\n');
    await order(JOBLET_E2E_CONTROL, 'kill-helper');
    await order(JOBLET_E2E_CONTROL, 'start-helper');
    await untilOver();
    expect(await collected()).toEqual({
      kinds: ['interrupted', 'resumed', 'end'],
      text: numbers(120),
      isOver: true,
    });
  });

  it('brings a line of 10 MB whole', async () => {
    const bytes = 10_000_000;
    await collect(await jobs.shell(`head -c ${bytes} /dev/zero | tr '\\0' x`));
    await untilOver();
    const { kinds, text } = await collected();
    expect(kinds).toEqual(['end']);
    expect(text.length).toBe(bytes);
    expect(/^x+$/.test(text)).toBe(true);
  });

  it('brings bytes that are no text as they are', async () => {
    await collect(await jobs.shell("printf '\\377\\376\\300\\200\\355\\240\\200\\033]52;c;QQ==\\007end'"));
    await untilOver();
    expect((await collected()).text).toBe('\xff\xfe\xc0\x80\xed\xa0\x80\x1b]52;c;QQ==\x07end');
  });
});
