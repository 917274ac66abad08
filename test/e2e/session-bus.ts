/**
 * What of a desktop session the app speaks to beside the display: the session bus, and on it a tray and a daemon that shows
 * notifications. Bus and daemon are Debian's. The tray is ours, since whole panels are heavy: it speaks as
 * StatusNotifierItem and com.canonical.dbusmenu say.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defineInterface, type MessageBus, sessionBus } from 'dbus-native';
import { onTestFinished, vi } from 'vitest';
import * as z from '../../native-helper/api/schema.ts';
import { surroundings } from './surroundings.ts';

const PATIENCE = { timeout: 20_000 } as const;

/** No service of the machine's own is started on it. */
const BUS_CONFIG = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

export class SessionBus {
  readonly address: string;
  readonly #parts = new AsyncDisposableStack();

  private constructor(address: string, daemon: ChildProcess) {
    this.address = address;
    this.#parts.adopt(daemon, end);
  }

  /** One that ends with the test, after those that were started later. */
  static async forTest(): Promise<SessionBus> {
    const config = join(mkdtempSync(join(surroundings().HOME, 'bus-')), 'session.conf');
    writeFileSync(config, BUS_CONFIG);
    const argv = [`--config-file=${config}`, '--nofork', '--print-address=1'];
    const daemon = spawn('dbus-daemon', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [address] = await once(createInterface({ input: daemon.stdout }), 'line');
    const bus = new SessionBus(address, daemon);
    onTestFinished(() => bus.#parts.disposeAsync());
    return bus;
  }

  /** A tray, of which the app's icon becomes a part. */
  async startTray(): Promise<Tray> {
    const bus = sessionBus({ busAddress: this.address, plainValues: true });
    return this.#parts.use(await Tray.start(bus));
  }

  /** Shows notifications on the display until they are clicked. */
  async startNotifications(): Promise<Notifications> {
    const environment = { ...process.env, DBUS_SESSION_BUS_ADDRESS: this.address };
    const daemon = spawn('dunst', ['-config', '/dev/null'], { stdio: 'ignore', env: environment });
    this.#parts.adopt(daemon, end);
    const notifications = new Notifications(environment);
    await vi.waitUntil(() => notifications.isThere(), PATIENCE);
    return notifications;
  }
}

async function end(process: ChildProcess): Promise<void> {
  const ended = once(process, 'exit');
  process.kill();
  await ended;
}

const WATCHER = 'org.kde.StatusNotifierWatcher';
const ITEM = 'org.kde.StatusNotifierItem';
const MENU = 'com.canonical.dbusmenu';

export class Tray implements AsyncDisposable {
  readonly #bus: MessageBus;
  readonly #items: string[] = [];

  private constructor(bus: MessageBus) {
    this.#bus = bus;
  }

  static async start(bus: MessageBus): Promise<Tray> {
    const tray = new Tray(bus);
    await bus.export(
      '/StatusNotifierWatcher',
      defineInterface({
        name: WATCHER,
        methods: {
          RegisterStatusNotifierItem: {
            in: { service: 's' },
            handler: ({ service }: { service: string }) => {
              tray.#items.push(service);
            },
          },
        },
        properties: {
          IsStatusNotifierHostRegistered: { type: 'b', access: 'read', value: true },
          ProtocolVersion: { type: 'i', access: 'read', value: 0 },
        },
        signals: { StatusNotifierHostRegistered: {} },
      }),
    );
    await bus.ownName(WATCHER);
    return tray;
  }

  /** The icon that came last. */
  async icon(): Promise<TrayIcon> {
    const service = await vi.waitUntil(() => this.#items.at(-1), PATIENCE);
    return new TrayIcon(this.#bus, service);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus.close();
  }
}

const entrySchema = z.tuple([
  z.number(),
  z.looseObject({ label: z.optional(z.string()) }),
  z.array(z.unknown()),
]);
/** `u(ia{sv}av)`: a revision, and the menu with its entries. */
const layoutSchema = z.tuple([z.number(), z.tuple([z.number(), z.looseObject({}), z.array(entrySchema)])]);

export class TrayIcon {
  readonly #bus: MessageBus;
  readonly #service: string;

  constructor(bus: MessageBus, service: string) {
    this.#bus = bus;
    this.#service = service;
  }

  /** What a pointer that rests on it is told. */
  async tooltip(): Promise<string> {
    const [, , title] = z
      .tuple([z.string(), z.array(z.unknown()), z.string(), z.string()])
      .parse(await this.#property('ToolTip'));
    return title;
  }

  async menu(): Promise<string[]> {
    return [...(await this.#entries()).keys()];
  }

  async click(): Promise<void> {
    await this.#call('/StatusNotifierItem', ITEM, 'Activate', 'ii', [0, 0]);
  }

  async choose(label: string): Promise<void> {
    const id = (await this.#entries()).get(label);
    if (id === undefined) {
      throw new Error(`the tray's menu has no ${label}`);
    }
    const event = [id, 'clicked', ['s', ''], 0];
    await this.#call(await this.#menuPath(), MENU, 'Event', 'isvu', event);
  }

  async #entries(): Promise<Map<string, number>> {
    const answer = await this.#call(await this.#menuPath(), MENU, 'GetLayout', 'iias', [0, -1, []]);
    const [, [, , entries]] = layoutSchema.parse(answer);
    return new Map(entries.flatMap(([id, { label }]) => (label === undefined ? [] : [[label, id] as const])));
  }

  async #menuPath(): Promise<string> {
    return z.string().parse(await this.#property('Menu'));
  }

  #property(name: string): Promise<unknown> {
    const properties = 'org.freedesktop.DBus.Properties';
    return this.#call('/StatusNotifierItem', properties, 'Get', 'ss', [ITEM, name]);
  }

  async #call(
    path: string,
    of: string,
    member: string,
    signature: string,
    body: unknown[],
  ): Promise<unknown> {
    return this.#bus.invoke({ destination: this.#service, path, interface: of, member, signature, body });
  }
}

const shownSchema = z.object({
  data: z.array(
    z.array(
      z.looseObject({
        id: z.object({ data: z.number() }),
        summary: z.object({ data: z.string() }),
        body: z.object({ data: z.string() }),
      }),
    ),
  ),
});

/** As dunst(1) has them. */
export class Notifications {
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  isThere(): boolean {
    try {
      this.#control('is-paused');
      return true;
    } catch {
      return false;
    }
  }

  /** Waits for one with such a title and clicks it. @returns its body */
  async click(title: string): Promise<string> {
    // dunst tells only of those that were shown and closed; the newest that is shown is acted on.
    await vi.waitUntil(() => Number(this.#control('count', 'displayed')) > 0, PATIENCE);
    this.#control('action');
    this.#control('close-all');
    const { body } = await vi.waitUntil(() => this.#history().find((each) => each.title === title), PATIENCE);
    return body;
  }

  #history(): { title: string; body: string }[] {
    const { data } = shownSchema.parse(JSON.parse(this.#control('history')));
    return data.flat().map(({ summary, body }) => ({ title: summary.data, body: body.data }));
  }

  #control(...argv: string[]): string {
    return execFileSync('dunstctl', argv, {
      encoding: 'utf8',
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }
}
