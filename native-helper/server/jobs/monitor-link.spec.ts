import { randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSocketPair } from '../../kernel/socketpair.ts';
import { connectToMonitor, MonitorLink } from './monitor-link.ts';
import { LINE_BYTES_MAXIMUM, type MonitorMessage } from './monitor-messages.ts';

const RUNNING = { event: 'running', init_pid: 8, started_us: 1, paused: false } as const;

/** A link, and the monitor's end of its socket. */
function linked() {
  const [kept, given] = createSocketPair();
  const monitor = new Socket({ fd: given });
  monitor.on('error', () => undefined);
  const heard: MonitorMessage[] = [];
  const closed = Promise.withResolvers<string>();
  const link = new MonitorLink(new Socket({ fd: kept }), {
    message: (message) => heard.push(message),
    closed: closed.resolve,
  });
  return { link, monitor, heard, closed: closed.promise };
}

describe('MonitorLink', () => {
  it('passes on what the monitor says, and that it went', async () => {
    const { monitor, heard, closed } = linked();
    monitor.end(`${JSON.stringify(RUNNING)}\n`);
    expect(await closed).toContain('closed its socket');
    expect(heard).toEqual([RUNNING]);
  });

  it.each([
    ['no JSON', 'hello\n'],
    ['an unknown event', '{"event":"sleeping"}\n'],
    ['an unknown field', '{"event":"running","init_pid":8,"started_us":1,"x":1}\n'],
    ['an endless line', 'x'.repeat(LINE_BYTES_MAXIMUM + 1)],
  ])('hangs up on a monitor that says what none says: %s', async (_, line) => {
    const { monitor, heard, closed } = linked();
    monitor.write(line);
    expect(await closed).toContain('broke its protocol');
    expect(heard).toEqual([]);
  });

  it('asks for a stop in the words of the protocol', async () => {
    const { link, monitor } = linked();
    const said = new Promise((resolve) => monitor.once('data', (bytes) => resolve(bytes.toString())));
    link.stop(1500n);
    expect(await said).toBe('stop 1500\n');
    monitor.destroy();
  });

  it('opens no session by the descriptor of a monitor that has gone', async () => {
    const { link, monitor, closed } = linked();
    const build = '0'.repeat(64);
    const hello = { event: 'hello', monitor: 2, build, job: randomUUID(), pid: 8, phase: 'running' };
    monitor.end(`${JSON.stringify(hello)}\n`);
    await closed;
    expect(link.hasGreeted).toBe(true);
    expect(() => link.openSession()).toThrow('its monitor has ended');
  });

  it('lets go without being told of it', async () => {
    const { link, monitor, closed } = linked();
    const gone = new Promise((resolve) => monitor.once('close', resolve));
    monitor.resume();
    link.release();
    await gone;
    expect(await Promise.race([closed, 'nothing'])).toBe('nothing');
  });
});

describe('connectToMonitor', () => {
  it('reaches a socket whose path is longer than an address may be', async () => {
    const folder = mkdtempSync(join(tmpdir(), `joblet-${'long-'.repeat(40)}`));
    const fd = openSync(folder, 'r');
    const server = createServer((socket) => socket.end(`${JSON.stringify(RUNNING)}\n`));
    await new Promise<void>((resolve) => server.listen(`/proc/self/fd/${fd}/job`, resolve));
    const socket = await connectToMonitor(fd, 'job');
    const heard = await new Promise<MonitorMessage>((resolve) => {
      new MonitorLink(socket, { message: resolve, closed: () => undefined });
    });
    expect(heard).toEqual(RUNNING);
    await expect(connectToMonitor(fd, 'nobody')).rejects.toMatchObject({ code: 'ENOENT' });
    await new Promise((resolve) => server.close(resolve));
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
});
