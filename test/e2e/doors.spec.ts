/** What a page that was taken over could try: every door of the main process is shut, and says who knocked. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, STREAM_REQUEST, type StreamMessage } from '../../src-main/ipc/wire.ts';
import type {} from '../../src-renderer/ipc/client.ts';
import { Desktop } from './desktop.ts';
import { Listeners } from './listeners.ts';

const PRELOAD = join(import.meta.dirname, '../../dist/app/preload.cjs');
const PAGE = 'joblet://app/index.html';

let desktop: Desktop;
beforeAll(async () => {
  desktop = await Desktop.start();
});
afterAll(() => desktop?.close());

const ask = (channel: string, payload: unknown): Promise<Answer> =>
  desktop.page.evaluate(([channel, payload]) => window.joblet.request(channel, 1_000_000, payload), [
    channel,
    payload,
  ] as const);

/** The first message that comes through the port of a stream. */
const open = (channel: string, payload: unknown): Promise<StreamMessage> =>
  desktop.page.evaluate(
    ([type, channel, payload]) => {
      const { port1, port2 } = new MessageChannel();
      const first = new Promise<StreamMessage>((resolve) => {
        port1.onmessage = ({ data }) => resolve(data);
      });
      window.postMessage({ type, channel, payload }, location.origin, [port2]);
      return first;
    },
    [STREAM_REQUEST, channel, payload] as const,
  );

const REFUSED = { kind: 'invalid', layer: 'ipc' };
const UUID = '00000000-0000-4000-8000-000000000000';

/** Of one message the log gets a line a second: the refusal that a test makes must find it free. */
const LOG_LINE_EVERY_MS = 1000;

/** Longer than a peer takes from its description to its first packet, ms. */
const PEER_MS = 4000;

describe('a message', () => {
  beforeEach(() => delay(LOG_LINE_EVERY_MS + 100));

  it.each([
    ['an unknown channel', 'jobs.rn', {}],
    ['the name of something that every object has', 'toString', {}],
    ['a payload that lacks something', 'jobs.stop', {}],
    ['a payload with something more', 'helper.start', { as: 'root' }],
    ['an id that is none', 'jobs.stop', { uuids: ['../../etc'] }],
    ['a payload of another type', 'jobs.stop', 'all'],
  ])('of %s is refused and written down', async (_what, channel, payload) => {
    const before = desktop.log.length;
    expect(await ask(channel, payload)).toMatchObject({ ok: false, failure: REFUSED });
    expect(desktop.log.slice(before)).toContain('refused a message of the window');
  });

  it.each(['file:///etc/passwd', 'javascript:alert(1)'])(
    'that asks to open %s is refused',
    async (address) => {
      expect(await ask('address.open', { address })).toMatchObject({
        ok: false,
        failure: { kind: 'invalid' },
      });
    },
  );

  it.each([
    ['an unknown name', 'lgo', {}],
    ['a payload that is none', 'log', { uuid: UUID, from: 'the start' }],
    [
      'a place before the first byte',
      'log',
      { uuid: UUID, from: { offset: -1 }, stream: 'both', maySkip: false },
    ],
  ])('that opens a stream with %s is refused and written down', async (_what, channel, payload) => {
    const before = desktop.log.length;
    expect(await open(channel, payload)).toMatchObject({ kind: 'failed', failure: REFUSED });
    expect(desktop.log.slice(before)).toContain('refused a message of the window');
  });

  it('that asks for more of a stream than there can be ends the stream', async () => {
    const isClosed = await desktop.page.evaluate(async (type) => {
      const { port1, port2 } = new MessageChannel();
      const closed = new Promise<boolean>((resolve) => port1.addEventListener('close', () => resolve(true)));
      port1.start();
      window.postMessage({ type, channel: 'link', payload: {} }, location.origin, [port2]);
      port1.postMessage({ more: 1e9 });
      return closed;
    }, STREAM_REQUEST);
    expect(isClosed).toBe(true);
  });

  it('of another window is refused and written down, though it shows our own page', async () => {
    const before = desktop.log.length;
    const answer = await desktop.app.evaluate(
      async ({ BrowserWindow }, [preload, page]) => {
        const stranger = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } });
        await stranger.loadURL(page);
        const answer = await stranger.webContents.executeJavaScript("window.joblet.request('doctor', 1, {})");
        stranger.destroy();
        return answer;
      },
      [PRELOAD, PAGE] as const,
    );
    expect(answer).toMatchObject({ ok: false, failure: { ...REFUSED, operation: 'sender' } });
    expect(desktop.log.slice(before)).toContain('only the main frame of the window may ask');
  });
});

describe('the page', () => {
  const evaluate = <T>(work: () => T | Promise<T>): Promise<T> => desktop.page.evaluate(work);

  it('can go nowhere else', async () => {
    await evaluate(() => {
      location.href = 'https://example.invalid/';
    });
    await expect.poll(() => desktop.log).toContain('"url":"https://example.invalid/"');
    expect(desktop.log).toContain('refused a navigation');
    expect(desktop.page.url()).toBe(PAGE);
  });

  it('keeps its streams when it is refused to go elsewhere', async () => {
    await delay(LOG_LINE_EVERY_MS + 100);
    const heard = await desktop.page.evaluate(async (type) => {
      const { port1, port2 } = new MessageChannel();
      const heard: string[] = [];
      port1.onmessage = ({ data }) => heard.push(data.kind);
      window.postMessage({ type, channel: 'settings', payload: {} }, location.origin, [port2]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      location.href = 'https://example.invalid/elsewhere';
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return heard;
    }, STREAM_REQUEST);
    expect(desktop.log).toContain('https://example.invalid/elsewhere');
    expect(heard).toEqual(['item']);
  });

  it('can open no window', async () => {
    expect(await evaluate(() => window.open('https://example.invalid/window'))).toBeNull();
    expect(desktop.log).toContain('refused a new window');
    expect(desktop.app.windows()).toHaveLength(1);
  });

  it('can embed nothing, and send no form', async () => {
    const violations = await evaluate(async () => {
      const seen: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        seen.push(effectiveDirective),
      );
      const frame = document.createElement('iframe');
      frame.src = 'https://example.invalid/';
      const form = document.createElement('form');
      form.action = 'https://example.invalid/';
      document.body.append(frame, form);
      form.submit();
      await new Promise((resolve) => setTimeout(resolve, 500));
      frame.remove();
      form.remove();
      return seen;
    });
    expect(violations).toEqual(expect.arrayContaining(['frame-src', 'form-action']));
    expect(desktop.page.url()).toBe(PAGE);
  });

  it('can run no code that is not in its files', async () => {
    const hasRun = await evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.body.dataset.taken = "yes"';
      document.body.append(script);
      script.remove();
      return document.body.dataset.taken;
    });
    expect(hasRun).toBeUndefined();
  });

  it('reaches no network and no file', async () => {
    const reached = await evaluate(() =>
      Promise.all(
        [
          'https://example.invalid/',
          'file:///etc/passwd',
          'joblet://app/index.html',
          'joblet://app/../main.cjs',
        ].map((url) =>
          fetch(url).then(
            () => url,
            () => null,
          ),
        ),
      ),
    );
    expect(reached).toEqual([null, null, null, null]);
  });

  it('reaches nothing by WebRTC, nor by a hint of what it will need', async () => {
    await using listeners = await Listeners.open();
    const { addresses } = listeners;
    const made = await desktop.page.evaluate(
      async ([addresses, patience]) => {
        const hints = ['preconnect', 'dns-prefetch', 'prefetch'].flatMap((rel) =>
          addresses.map((address) =>
            Object.assign(document.createElement('link'), { rel, href: `http://${address}` }),
          ),
        );
        document.head.append(...hints);
        const login = { username: 'what was stolen', credential: 'x' };
        const peers = addresses.map((address) => {
          const urls = ['udp', 'tcp'].map((way) => `turn:${address}?transport=${way}`);
          return new RTCPeerConnection({ iceServers: [{ urls: `stun:${address}` }, { urls, ...login }] });
        });
        for (const peer of peers) {
          peer.createDataChannel('out');
          await peer.setLocalDescription();
        }
        await new Promise((resolve) => setTimeout(resolve, patience));
        for (const hint of hints) {
          hint.remove();
        }
        for (const peer of peers) {
          peer.close();
        }
        return peers.length;
      },
      [addresses, PEER_MS] as const,
    );
    expect(made).toBeGreaterThan(0);
    expect(listeners.heard).toEqual([]);
  });

  it('has nothing of Node', async () => {
    expect(
      await evaluate(() => ['require', 'process', 'Buffer', 'module'].filter((name) => name in window)),
    ).toEqual([]);
  });

  it('is given no permission', async () => {
    const states = await evaluate(() =>
      Promise.all(
        ['notifications', 'geolocation', 'camera', 'microphone', 'clipboard-read', 'midi'].map(
          async (name) => (await navigator.permissions.query({ name: name as PermissionName })).state,
        ),
      ),
    );
    expect(new Set(states)).toEqual(new Set(['denied']));
  });

  it('can read neither clipboard nor camera', async () => {
    const refused = await evaluate(() =>
      Promise.all(
        [
          () => navigator.clipboard.readText(),
          () => navigator.mediaDevices.getUserMedia({ video: true }),
        ].map((use) =>
          use().then(
            () => 'allowed',
            ({ name }) => name,
          ),
        ),
      ),
    );
    expect(refused).toEqual(['NotAllowedError', expect.stringMatching(/^Not(Allowed|Found)Error$/)]);
  });
});
