/** Sessions in jobs that run: with a terminal and without, whose input ends or does not, and which are left in the middle. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../src-main/client/index.ts';
import type { Random } from '../fixtures/random.ts';

const TERMINAL = { columns: 80, rows: 24 };
/** Some end by themselves, some with their input, some not before they are left or their job ends. */
const COMMANDS: readonly string[] = [
  'true',
  'cat',
  'seq 20000',
  'sleep 600 & exit 4',
  'trap "" HUP TERM; sleep 600',
  'exec >&- 2>&- <&-; sleep 600',
];
const LONGEST_SESSION_MS = 200;
const FIRST_INPUT = { message: { case: 'input', value: Buffer.from('first\n') } } as const;
const RESIZE = { message: { case: 'resize', value: { columns: 100, rows: 30 } } } as const;
const END_OF_INPUT = { message: { case: 'endOfInput', value: {} } } as const;

/** Runs a command in a job until it ends, or the caller has had enough of it. */
export async function execIn(client: Client, id: string, random: Random): Promise<void> {
  const hasTerminal = random.chance(0.5);
  const start = {
    id,
    command: 'sh',
    args: ['-c', random.choose(COMMANDS)],
    stdin: random.chance(0.5),
    ...(hasTerminal && { terminal: TERMINAL }),
  };
  const tail = tailOf(hasTerminal, random);
  await untilLeft(random, (signal) =>
    client.jobs.execJob(
      (async function* () {
        yield { message: { case: 'start', value: start } } as const;
        yield* start.stdin || hasTerminal ? tail : [];
        await untilAborted(signal);
      })(),
      { signal },
    ),
  );
}

/** Writes the input of a job, and ends it or not. */
export async function attachTo(client: Client, id: string, random: Random): Promise<void> {
  const { spec } = await client.jobs.getJob({ id });
  const tail = tailOf(spec?.terminal !== undefined, random);
  await untilLeft(random, (signal) =>
    client.jobs.attachJob(
      (async function* () {
        yield { message: { case: 'start', value: { id } } } as const;
        yield* tail;
        await untilAborted(signal);
      })(),
      { signal },
    ),
  );
}

function tailOf(hasTerminal: boolean, random: Random) {
  if (hasTerminal) {
    return [FIRST_INPUT, RESIZE];
  }
  return random.chance(0.5) ? [FIRST_INPUT, END_OF_INPUT] : [FIRST_INPUT];
}

async function untilLeft(
  random: Random,
  open: (signal: AbortSignal) => AsyncIterable<unknown>,
): Promise<void> {
  const leaving = new AbortController();
  const life = random.below(LONGEST_SESSION_MS);
  const left = delay(life, undefined, { signal: leaving.signal }).then(
    () => leaving.abort(),
    () => undefined,
  );
  try {
    for await (const _ of open(leaving.signal)) {
      // Whatever it says.
    }
  } catch (error) {
    if (!leaving.signal.aborted) {
      throw error;
    }
  } finally {
    leaving.abort();
    await left;
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
}
