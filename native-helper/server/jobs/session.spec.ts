import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { createSocketPair } from '../../kernel/socketpair.ts';
import { Session } from './session.ts';
import { endOfInputOrder } from './session-frames.ts';

/** As docs/monitor-protocol.md has them. */
const STARTED = [1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const EXITED = [4, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];

it('hears all that a monitor has said, also when that has hung up before its orders came', async () => {
  const [kept, monitors] = createSocketPair();
  using session = new Session(new Socket({ fd: kept }));
  writeSync(monitors, Buffer.from([...STARTED, ...EXITED]));
  closeSync(monitors);
  await session.send(endOfInputOrder());
  await session.send(endOfInputOrder());
  const events: string[] = [];
  for await (const { event } of session.frames()) {
    events.push(event);
  }
  expect(events).toEqual(['started', 'exited']);
});
