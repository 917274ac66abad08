/** Input of jobs, terminals, and commands in jobs that run: through the job service, with the real executor. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AttachJobRequestSchema,
  type AttachJobResponse,
  type ExecEnd,
  ExecJobRequestSchema,
  JobStatus,
} from '../../native-helper/api/gen/joblet_pb.js';
import {
  logOf,
  type Service,
  shell,
  specOf,
  temporaryService,
  untilEnded,
  untilOutput,
  untilState,
} from '../fixtures/job-service.ts';
import { monitorsWith } from '../fixtures/monitors.ts';

type AttachMessage = NonNullable<MessageInitShape<typeof AttachJobRequestSchema>['message']>;
type ExecMessage = NonNullable<MessageInitShape<typeof ExecJobRequestSchema>['message']>;

let service: Service;
beforeAll(async () => {
  service = await temporaryService();
});
afterAll(() => service[Symbol.asyncDispose]());

const ROOT = 0;
const OWNER = 65_531;
const STRANGER = 65_532;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const terminal = { columns: 100, rows: 30 };

/** A client that says one thing after the other, and goes when the test leaves. */
class Caller<Message> implements AsyncDisposable {
  readonly leaving = new AbortController();
  readonly #said: Message[] = [];
  #changed = Promise.withResolvers<void>();

  say(...messages: Message[]): void {
    this.#said.push(...messages);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async *messages(): AsyncGenerator<Message> {
    while (!this.leaving.signal.aborted) {
      const message = this.#said.shift();
      if (message === undefined) {
        await this.#changed.promise;
      } else {
        yield message;
      }
    }
  }

  leave(): void {
    this.leaving.abort(new Error('the caller has left'));
    this.#changed.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave();
  }
}

async function* created<Schema, Message>(
  make: (message: Message) => Schema,
  messages: AsyncIterable<Message>,
) {
  for await (const message of messages) {
    yield make(message);
  }
}

/** Runs a command in a job to its end; the input is all there is. */
async function runIn(id: string, argv: readonly string[], more: { input?: string; tty?: boolean } = {}) {
  const [command = '', ...args] = argv;
  await using caller = new Caller<ExecMessage>();
  caller.say({
    case: 'start',
    value: { id, command, args, stdin: more.input !== undefined, ...(more.tty && { terminal }) },
  });
  if (more.input !== undefined) {
    caller.say(
      { case: 'input', value: bytes(more.input) },
      ...(more.tty ? [] : [{ case: 'endOfInput', value: {} } as const]),
    );
  }
  return await collect(caller);
}

async function collect(caller: Caller<ExecMessage>, onOutput: () => void = () => {}) {
  const requests = created(
    (message: ExecMessage) => create(ExecJobRequestSchema, { message }),
    caller.messages(),
  );
  const parts = { stdout: '', stderr: '' };
  let end: ExecEnd | undefined;
  for await (const { event } of service.jobs.sessions.exec(requests, ROOT, caller.leaving.signal)) {
    if (event.case === 'stdout' || event.case === 'stderr') {
      parts[event.case] += Buffer.from(event.value).toString();
      onOutput();
    } else if (event.case === 'ended') {
      end = event.value;
    }
  }
  return { ...parts, exitCode: end?.exitCode, signal: end?.signal, failure: end?.failure };
}

async function running(...spec: Parameters<typeof specOf>): Promise<string> {
  const { uuid } = await service.jobs.run(specOf(...spec), 0);
  await untilState(service.jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
  return uuid;
}

function attach(id: string, caller: Caller<AttachMessage>): AsyncGenerator<AttachJobResponse> {
  caller.say({ case: 'start', value: { id } });
  const requests = created(
    (message: AttachMessage) => create(AttachJobRequestSchema, { message }),
    caller.messages(),
  );
  return service.jobs.sessions.attach(requests, ROOT, caller.leaving.signal);
}

describe('a command in a running job', () => {
  it('has its own streams, its own exit code, and the environment of the job', async () => {
    const job = await running('sleep', ['60'], { environment: { COLOUR: 'blue' } });
    const line = 'cat; echo $COLOUR; echo err >&2; exit 7';
    expect(await runIn(job, ['sh', '-c', line], { input: 'in\n' })).toEqual({
      stdout: 'in\nblue\n',
      stderr: 'err\n',
      exitCode: 7,
      signal: undefined,
      failure: undefined,
    });
  });

  it('is in the namespaces and the cgroup of the job, with its user, and holds three descriptors', async () => {
    const job = await running('sh', [
      '-c',
      'readlink /proc/self/ns/* >out; cat /proc/self/cgroup >>out; exec sleep 60',
    ]);
    await untilOut(job);
    const line = 'readlink /proc/self/ns/*; cat /proc/self/cgroup; cat out; id -u; ls /proc/self/fd | wc -l';
    const { stdout } = await runIn(job, ['sh', '-c', line]);
    const lines = stdout.trim().split('\n');
    const half = (lines.length - 2) / 2;
    expect(lines.slice(0, half)).toEqual(lines.slice(half, 2 * half));
    // ls holds the folder that it reads as a fourth.
    expect(lines.slice(-2)).toEqual(['65534', '4']);
  });

  it.each([
    ['is not there', ['no-such-program'], 127],
    ['can not be executed', ['/etc/passwd'], 126],
  ])('that %s has the exit code of a shell, and says why', async (_title, argv, code) => {
    const job = await running('sleep', ['60']);
    expect(await runIn(job, argv)).toMatchObject({
      exitCode: code,
      failure: { layer: 'exec', object: argv[0] },
    });
  });

  it('that is killed says by which signal', async () => {
    const job = await running('sleep', ['60']);
    expect(await runIn(job, ['sh', '-c', 'kill -9 $$'])).toMatchObject({ exitCode: 137, signal: 9 });
  });

  it('ends with the job', async () => {
    const job = await running('sleep', ['60']);
    await using caller = new Caller<ExecMessage>();
    caller.say({ case: 'start', value: { id: job, command: 'sh', args: ['-c', 'echo up; exec sleep 60'] } });
    const ended = await collect(caller, () => void service.jobs.stop(job, 0n));
    expect(ended).toMatchObject({ stdout: 'up\n', exitCode: 137, signal: 9 });
  });

  it('gets a terminal of its own, of the size that was asked for', async () => {
    const job = await running('sleep', ['60']);
    const { stdout } = await runIn(
      job,
      ['sh', '-c', 'tty; stty size; ps -o tty= -p $$ 2>/dev/null || true'],
      {
        tty: true,
      },
    );
    expect(stdout).toMatch(/^\/dev\/pts\/0\r\n30 100\r\n/);
  });

  it('gets and gives many megabytes, byte for byte', async () => {
    const job = await running('sleep', ['60']);
    await using caller = new Caller<ExecMessage>();
    const sent = randomBytes(16 * 2 ** 20).toString('base64');
    caller.say({ case: 'start', value: { id: job, command: 'cat', stdin: true } });
    for (let at = 0; at < sent.length; at += 65_536) {
      caller.say({ case: 'input', value: bytes(sent.slice(at, at + 65_536)) });
    }
    caller.say({ case: 'endOfInput', value: {} });
    const { stdout, exitCode } = await collect(caller);
    expect([stdout === sent, exitCode]).toEqual([true, 0]);
  });

  it('gets SIGHUP when its caller leaves', async () => {
    const job = await running('sleep', ['60']);
    await using caller = new Caller<ExecMessage>();
    // Its shell tells of the sleep that was hung up too; on a pipe that nobody reads any more SIGPIPE would end it.
    const line =
      'exec 2>/dev/null; trap "echo hung >/work/hung; exit" HUP; echo up; while :; do sleep 0.05; done';
    caller.say({ case: 'start', value: { id: job, command: 'sh', args: ['-c', line] } });
    await expect(collect(caller, () => caller.leave())).rejects.toThrow('has left');
    const waiting = await runIn(job, ['sh', '-c', 'until test -s hung; do sleep 0.05; done; cat hung']);
    expect(waiting.stdout).toBe('hung\n');
  });

  it('is refused with the reason when the monitor is gone and nobody has heard of it yet', async () => {
    const job = await running('sleep', ['60']);
    const [monitor = 0] = monitorsWith((folder) => folder.endsWith(job));
    process.kill(monitor, 'SIGKILL');
    untilDead(monitor);
    await expect(runIn(job, ['true'])).rejects.toMatchObject({
      kind: 'unavailable',
      details: { layer: 'monitor', operation: 'open session', reason: 'its monitor has ended' },
    });
    expect((await untilEnded(service.jobs, job)).status).toBe(JobStatus.LOST);
  });

  it('is refused when there are 16 already, and when the job has ended', async () => {
    const job = await running('sleep', ['60']);
    const callers = Array.from({ length: 16 }, () => new Caller<ExecMessage>());
    const started = callers.map((caller) => {
      caller.say({ case: 'start', value: { id: job, command: 'sleep', args: ['60'] } });
      const requests = created(
        (message: ExecMessage) => create(ExecJobRequestSchema, { message }),
        caller.messages(),
      );
      return service.jobs.sessions.exec(requests, ROOT, caller.leaving.signal);
    });
    for (const events of started) {
      expect((await events.next()).value).toMatchObject({ event: { case: 'started' } });
    }
    await expect(runIn(job, ['true'])).rejects.toThrow(/16/);
    await service.jobs.stop(job, 0n);
    await expect(runIn(job, ['true'])).rejects.toThrow(/is STOPPED/);
    for (const caller of callers) {
      caller.leave();
    }
  });
});

/** Without giving way to what would be heard of it. */
function untilDead(pid: number): void {
  while (/^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) {
    // The kernel is at it.
  }
}

async function untilOut(job: string): Promise<void> {
  await runIn(job, ['sh', '-c', 'until grep -q 0:: out; do sleep 0.02; done']);
}

describe('the job of another user', () => {
  const askAs = async (uid: number, ask: 'exec' | 'attach', id: string): Promise<unknown> => {
    await using caller = new Caller<ExecMessage | AttachMessage>();
    const { signal } = caller.leaving;
    if (ask === 'attach') {
      const start = create(AttachJobRequestSchema, { message: { case: 'start', value: { id } } });
      return await service.jobs.sessions.attach(only(start, signal), uid, signal).next();
    }
    const value = { id, command: 'true' };
    const start = create(ExecJobRequestSchema, { message: { case: 'start', value } });
    return await service.jobs.sessions.exec(only(start, signal), uid, signal).next();
  };

  it('takes commands and input from its owner and from root alone', async () => {
    const { uuid } = await service.jobs.run(specOf('cat', [], { stdin: true }), OWNER);
    await untilState(service.jobs, uuid, ({ status }) => status === JobStatus.RUNNING);
    for (const ask of ['exec', 'attach'] as const) {
      await expect(askAs(STRANGER, ask, uuid)).rejects.toThrow('is the job of another user');
      await expect(askAs(OWNER, ask, uuid)).resolves.toMatchObject({ done: false });
      await expect(askAs(ROOT, ask, uuid)).resolves.toMatchObject({ done: false });
    }
    await service.jobs.stop(uuid, 0n);
  });
});

it('takes no command while it is paused, and says so', async () => {
  const job = await running('sleep', ['60']);
  await service.jobs.pause(job);
  await expect(runIn(job, ['true'])).rejects.toThrow(/is PAUSED/);
  await service.jobs.resume(job);
  expect(await runIn(job, ['true'])).toMatchObject({ exitCode: 0 });
  await service.jobs.stop(job, 0n);
});

/** One message, and then nothing until the caller leaves. */
async function* only<Message>(message: Message, signal: AbortSignal): AsyncGenerator<Message> {
  yield message;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

describe('the input of a job', () => {
  it('is empty where none was asked for, and then nobody can attach', async () => {
    const job = await running('sh', ['-c', 'cat; echo done; sleep 60']);
    await untilOutput(service.jobs, job, 'done');
    await using caller = new Caller<AttachMessage>();
    await expect(attach(job, caller).next()).rejects.toThrow('has no input');
  });

  it('waits without a caller, goes on with the next one, and ends when one ends it', async () => {
    const job = await running('cat', [], { stdin: true });
    for (const word of ['one ', 'two ']) {
      await using caller = new Caller<AttachMessage>();
      caller.say({ case: 'start', value: { id: job } }, { case: 'input', value: bytes(word) });
      const requests = created(
        (message: AttachMessage) => create(AttachJobRequestSchema, { message }),
        caller.messages(),
      );
      for await (const { event } of service.jobs.sessions.attach(requests, ROOT, caller.leaving.signal)) {
        if (event.case === 'taken') {
          break;
        }
      }
    }
    await untilOutput(service.jobs, job, 'two ');
    await using caller = new Caller<AttachMessage>();
    const events = attach(job, caller);
    expect((await events.next()).value?.event).toEqual({ case: 'attached', value: 8n });
    caller.say({ case: 'endOfInput', value: {} });
    expect((await events.next()).value?.event.case).toBe('inputClosed');
    expect((await untilEnded(service.jobs, job)).exitCode).toBe(0);
    expect((await logOf(service.jobs, job)).toString()).toBe('one two ');
  });

  it('tells the caller when the job reads no more', async () => {
    const job = await running('sh', ['-c', 'exec 0<&-; echo closed; exec sleep 60'], { stdin: true });
    await untilOutput(service.jobs, job, 'closed');
    await using caller = new Caller<AttachMessage>();
    const events = attach(job, caller);
    await events.next();
    expect((await events.next()).value?.event.case).toBe('inputClosed');
  });
});

describe('a job on a terminal', () => {
  it('has it as its streams and controlling terminal, takes input and sizes, and logs what it shows', async () => {
    const line =
      'tty; tty <&1; stty size; read x </dev/tty; echo got $x; trap "stty size; exit 3" WINCH; echo set; while :; do sleep 0.05; done';
    const job = await running('sh', ['-c', line], { terminal });
    await untilOutput(service.jobs, job, '30 100\r\n');
    await using caller = new Caller<AttachMessage>();
    const events = attach(job, caller);
    await events.next();
    caller.say({ case: 'input', value: bytes('word\r') });
    await untilOutput(service.jobs, job, 'set');
    caller.say({ case: 'resize', value: { columns: 81, rows: 25 } });
    const ended = await untilEnded(service.jobs, job);
    expect(ended.exitCode).toBe(3);
    expect((await logOf(service.jobs, job)).toString()).toBe(
      '/dev/pts/0\r\n/dev/pts/0\r\n30 100\r\nword\r\ngot word\r\nset\r\n25 81\r\n',
    );
    expect(ended.report.filter(({ layer }) => layer === 'terminal')).toMatchObject([
      { item: 'devpts', kernel: "the job's", ok: true },
      { item: 'columns and rows', kernel: '100 x 30', ok: true },
    ]);
  });

  it('loses no byte of what it shows', async () => {
    const { uuid } = await service.jobs.run(shell('seq 1 200000', { terminal }), 0);
    await untilEnded(service.jobs, uuid);
    const expected = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\r\n`).join('');
    expect((await logOf(service.jobs, uuid)).toString() === expected).toBe(true);
  });

  it('is hung up by a stop, which a shell understands', async () => {
    const job = await running('bash', ['--norc', '-i'], { terminal });
    await untilOutput(service.jobs, job, '$ ');
    expect(await service.jobs.stop(job, 10_000n)).toMatchObject({ signal: 1 });
  });
});
