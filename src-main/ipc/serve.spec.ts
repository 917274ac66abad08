import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { WebFrameMain } from 'electron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import type { LinkState } from './contract.ts';
import { type IpcOptions, type RequestHandlers, type StreamHandlers, serveIpc } from './serve.ts';
import { type Answer, type StreamMessage, WIRE } from './wire.ts';

const OWN = { url: 'joblet://app/index.html' } as WebFrameMain;
const FOREIGN = { url: 'https://example.invalid/' } as WebFrameMain;
const UUID = '00000000-0000-4000-8000-000000000000';
const REFUSED = { ok: false, failure: { kind: 'invalid', layer: 'ipc' } };

type Handler = (event: object, message: unknown) => Promise<Answer>;

/** Electron's ports and its channels, over the ports of Node: what Electron itself does is for test/e2e/doors. */
class Wire {
  readonly #ports = new Set<MessagePort>();
  readonly #events = new EventEmitter();
  #answer: Handler = () => Promise.reject();

  readonly ipcMain = {
    handle: (_channel: string, answer: Handler) => {
      this.#answer = answer;
    },
    on: (channel: string, listener: () => void) => this.#events.on(channel, listener),
  } as unknown as Parameters<typeof serveIpc>[0];

  request(message: unknown, senderFrame: WebFrameMain | null = OWN): Promise<Answer> {
    return this.#answer({ senderFrame }, structuredClone(message));
  }

  cancel(message: unknown, senderFrame: WebFrameMain | null = OWN): void {
    this.#events.emit(WIRE.cancel, { senderFrame }, message);
  }

  /** @returns the window's end of the port */
  stream(message: unknown, senderFrame: WebFrameMain | null = OWN, ports = 1): MessagePort {
    const channels = Array.from({ length: ports }, () => new MessageChannel());
    for (const { port1, port2 } of channels) {
      this.#ports.add(port1).add(port2);
      port1.start();
    }
    const given = channels.map(({ port2 }) => new Port(port2));
    this.#events.emit(WIRE.stream, { senderFrame, ports: given }, message);
    return (channels[0] as MessageChannel).port1;
  }

  close(): void {
    for (const port of this.#ports) {
      port.close();
    }
  }
}

class Port extends EventEmitter {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    super();
    this.#port = port;
  }

  postMessage(message: unknown): void {
    this.#port.postMessage(message);
  }

  start(): void {
    this.#port.on('message', (data) => this.emit('message', { data }));
    this.#port.on('close', () => this.emit('close'));
  }

  close(): void {
    this.#port.close();
  }
}

const nothing = async () => ({});
let wire: Wire;
let reported: [message: string, details: object][];
beforeEach(() => {
  wire = new Wire();
  reported = [];
});
afterEach(() => wire.close());

const serve = (requests: Partial<RequestHandlers>, streams: Partial<StreamHandlers> = {}) =>
  serveIpc(wire.ipcMain, {
    requests: requests as IpcOptions['requests'],
    streams: streams as IpcOptions['streams'],
    isTrusted: (frame) => frame === OWN,
    report: (message, details) => reported.push([message, details]),
  });

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('a request', () => {
  it('gets what its handler says', async () => {
    serve({ 'jobs.stop': async ({ uuids }) => uuids.map((uuid) => ({ uuid, failure: null })) });
    expect(await wire.request({ channel: 'jobs.stop', id: 1, payload: { uuids: [UUID] } })).toEqual({
      ok: true,
      value: [{ uuid: UUID, failure: null }],
    });
    expect(reported).toEqual([]);
  });

  it.each([
    ['of an unknown channel', { channel: 'jobs.rn', id: 1, payload: {} }],
    ['by a name that every object has', { channel: '__proto__', id: 1, payload: {} }],
    ['by the name of a stream', { channel: 'link', id: 1, payload: {} }],
    ['without a payload', { channel: 'doctor', id: 1 }],
    ['with one field too many', { channel: 'doctor', id: 1, payload: { as: 'root' } }],
    ['with one beside the payload', { channel: 'doctor', id: 1, payload: {}, as: 'root' }],
    ['with no id', { channel: 'doctor', payload: {} }],
    ['with an id that is none', { channel: 'doctor', id: -1, payload: {} }],
    ['that is nothing', undefined],
    ['that is text', 'doctor'],
  ])('%s is refused and reported, and nobody handles it', async (_what, message) => {
    serve({ doctor: () => expect.fail('it was handled') });
    expect(await wire.request(message)).toMatchObject(REFUSED);
    expect(reported.map(([message]) => message)).toEqual(['refused a message of the window']);
  });

  it.each([
    ['a foreign frame', FOREIGN],
    ['a frame that is gone', null],
  ])('of %s is refused before it is read', async (_what, frame) => {
    serve({ doctor: () => expect.fail('it was handled') });
    const message = { channel: 'doctor', id: 1, payload: {} };
    expect(await wire.request(message, frame)).toMatchObject({
      ok: false,
      failure: { operation: 'sender', object: frame?.url ?? 'a frame that is gone' },
    });
    expect(reported).toHaveLength(1);
  });

  it('that fails says why as data, and is no fault of ours', async () => {
    const details = { layer: 'link', operation: 'ask', object: 'x', reason: 'it went away', mend: 'Wait.' };
    serve({ doctor: () => Promise.reject(new JobletError('unavailable', details)) });
    expect(await wire.request({ channel: 'doctor', id: 1, payload: {} })).toEqual({
      ok: false,
      failure: { kind: 'unavailable', ...details },
    });
    expect(reported).toEqual([]);
  });

  it('that meets a fault of ours gives its words, not its stack, and it is reported', async () => {
    const fault = new TypeError('x is not a function');
    serve({ doctor: () => Promise.reject(fault) });
    const answer = await wire.request({ channel: 'doctor', id: 1, payload: {} });
    expect(answer).toMatchObject({ ok: false, failure: { kind: 'internal', reason: fault.message } });
    expect(JSON.stringify(answer)).not.toContain('serve.spec');
    expect(reported).toEqual([['a fault in the main process', { err: fault }]]);
  });

  it('ends when it is cancelled, and only then', async () => {
    serve({ doctor: (_payload, signal) => untilAborted(signal) });
    const first = wire.request({ channel: 'doctor', id: 1, payload: {} });
    const second = wire.request({ channel: 'doctor', id: 2, payload: {} });
    wire.cancel({ id: 1 }, FOREIGN);
    wire.cancel({ id: 'all' });
    wire.cancel({ id: 7 });
    expect(await Promise.race([first, second, turn('open')])).toBe('open');
    wire.cancel({ id: 1 });
    expect(await first).toMatchObject({ failure: { reason: 'the window did not want it any more' } });
    expect(await Promise.race([second, turn('open')])).toBe('open');
    expect(reported).toHaveLength(2);
  });

  it('is refused by an id that is under way, and taken by one that is free again', async () => {
    serve({ doctor: (_payload, signal) => untilAborted(signal), 'presets.delete': nothing });
    const first = wire.request({ channel: 'doctor', id: 1, payload: {} });
    const other = { channel: 'presets.delete', id: 1, payload: { name: 'a' } };
    expect(await wire.request(other)).toMatchObject(REFUSED);
    wire.cancel({ id: 1 });
    await first;
    expect(await wire.request(other)).toMatchObject({ ok: true });
  });

  it('is one of 256 at most', async () => {
    serve({ doctor: (_payload, signal) => untilAborted(signal) });
    const all = Array.from({ length: 256 }, (_, id) => wire.request({ channel: 'doctor', id, payload: {} }));
    expect(await wire.request({ channel: 'doctor', id: 256, payload: {} })).toMatchObject(REFUSED);
    wire.cancel({ id: 3 });
    await all[3];
    const again = wire.request({ channel: 'doctor', id: 256, payload: {} });
    expect(await Promise.race([again, turn('open')])).toBe('open');
  });

  it('of a new page is taken though one of the page before goes on by the same id', async () => {
    const { promise, resolve } = Promise.withResolvers<Record<string, never>>();
    const server = serve({
      'helper.start': () => promise,
      'presets.delete': nothing,
      doctor: (_, s) => untilAborted(s),
    });
    const deaf = wire.request({ channel: 'helper.start', id: 1, payload: {} });
    server.endAll();
    const mine = wire.request({ channel: 'doctor', id: 1, payload: {} });
    resolve({});
    expect(await deaf).toMatchObject({ ok: true });
    wire.cancel({ id: 1 });
    expect(await mine).toMatchObject({ failure: { kind: 'unavailable' } });
  });
});

describe('a stream', () => {
  const CONNECTING: LinkState = { state: 'connecting' };
  const link = { channel: 'link', payload: {} };

  /** How many items were asked of it, and whether it was ended. */
  class Source {
    asked = 0;
    hasEnded = false;

    readonly link: StreamHandlers['link'] = (_payload, signal) => this.#items(signal);

    async *#items(signal: AbortSignal) {
      try {
        while (!signal.aborted) {
          this.asked += 1;
          yield CONNECTING;
        }
      } finally {
        this.hasEnded = true;
      }
    }
  }

  const settled = async () => {
    for (let turns = 0; turns < 200; turns += 1) {
      await turn();
    }
  };
  const next = async (port: MessagePort) => ((await once(port, 'message')) as [StreamMessage])[0];

  it('sends its items, then that it has ended', async () => {
    serve(
      {},
      {
        link: async function* () {
          yield CONNECTING;
        },
      },
    );
    const port = wire.stream(link);
    const got: StreamMessage[] = [];
    port.on('message', (message) => got.push(message));
    await once(port, 'close');
    expect(got).toEqual([{ kind: 'item', value: CONNECTING }, { kind: 'end' }]);
  });

  it('asks its source for no more than the window has room for, however much that asks for', async () => {
    const source = new Source();
    serve({}, { link: source.link });
    const port = wire.stream(link);
    await settled();
    expect(source.asked).toBe(16);
    port.postMessage({ more: 3 });
    await settled();
    expect(source.asked).toBe(19);
    port.postMessage({ more: 1024 });
    await settled();
    expect(source.asked).toBe(35);
  });

  it('ends its source when the window closes it', async () => {
    const source = new Source();
    serve({}, { link: source.link });
    const port = wire.stream(link);
    await settled();
    port.close();
    await expect.poll(() => source.hasEnded).toBe(true);
  });

  it.each([0, -1, 1025, 1e9, Number.NaN, '1'])('ends when the window asks for %j more', async (more) => {
    const source = new Source();
    serve({}, { link: source.link });
    const port = wire.stream(link);
    port.postMessage({ more });
    await once(port, 'close');
    await expect.poll(() => source.hasEnded).toBe(true);
  });

  it('that fails says why as data after what it had', async () => {
    const fault = new Error('gone');
    serve(
      {},
      {
        link: async function* () {
          yield CONNECTING;
          throw fault;
        },
      },
    );
    const port = wire.stream(link);
    const got: StreamMessage[] = [];
    port.on('message', (message) => got.push(message));
    await once(port, 'close');
    expect(got).toMatchObject([
      { kind: 'item' },
      { kind: 'failed', failure: { kind: 'internal', reason: 'gone' } },
    ]);
    expect(reported).toEqual([['a fault in the main process', { err: fault }]]);
  });

  it.each([
    ['an unknown name', { channel: 'lnk', payload: {} }, OWN],
    ['a name that every object has', { channel: 'constructor', payload: {} }, OWN],
    ['the name of a request', { channel: 'doctor', payload: {} }, OWN],
    ['a payload that is none', { channel: 'link', payload: { from: 0 } }, OWN],
    ['nothing', undefined, OWN],
    ['a foreign frame', link, FOREIGN],
    ['a frame that is gone', link, null],
  ])('of %s is refused and reported', async (_what, message, frame) => {
    serve({}, { link: () => expect.fail('it was opened') });
    const port = wire.stream(message, frame);
    expect(await next(port)).toMatchObject({ kind: 'failed', failure: { kind: 'invalid', layer: 'ipc' } });
    await once(port, 'close');
    expect(reported).toHaveLength(1);
  });

  it('with two ports is refused, and those are closed', async () => {
    serve({}, { link: () => expect.fail('it was opened') });
    await once(wire.stream(link, OWN, 2), 'close');
    expect(reported).toHaveLength(1);
  });

  it('is one of 64 at most', async () => {
    serve({}, { link: new Source().link });
    const ports = Array.from({ length: 64 }, () => wire.stream(link));
    expect(await next(wire.stream(link))).toMatchObject({ kind: 'failed' });
    ports[0]?.close();
    await settled();
    expect(await next(wire.stream(link))).toMatchObject({ kind: 'item' });
  });

  it('ends with the page that asked for it', async () => {
    const source = new Source();
    const server = serve({}, { link: source.link });
    const port = wire.stream(link);
    await settled();
    server.endAll();
    await once(port, 'close');
    await expect.poll(() => source.hasEnded).toBe(true);
  });
});
