/** The helper's end of one monitor's socket. */
import { closeSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { causeOf, JobletError } from '../../api/errors.ts';
import { passDescriptor } from '../../kernel/pass-descriptor.ts';
import { descriptorOf } from '../../kernel/socket-descriptor.ts';
import { createSocketPair } from '../../kernel/socketpair.ts';
import { LineReader, type MonitorMessage, parseMonitorMessage } from './monitor-messages.ts';

/** The first versions of the protocol that know them. */
const VERSION_WITH_SESSIONS = 2;
const VERSION_WITH_PAUSES = 2;
const VERSION_WITH_OVERFLOW = 3;
const SESSION = Buffer.from('session\n');

export interface MonitorEvents {
  message(message: MonitorMessage): void;
  /** The monitor has ended, or said what no monitor says; nothing more comes. */
  closed(reason: string): void;
}

export class MonitorLink {
  readonly #socket: Socket;
  /** 0 until it has said hello. */
  #version = 0;

  /** @param socket connected; the link owns it. */
  constructor(socket: Socket, events: MonitorEvents) {
    this.#socket = socket;
    const lines = new LineReader();
    let reason = 'the monitor closed its socket';
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const line of lines.read(bytes)) {
          const message = parseMonitorMessage(line);
          if (message.event === 'hello') {
            this.#version = message.monitor;
          }
          events.message(message);
        }
      } catch (error) {
        reason = `the monitor broke its protocol: ${causeOf(error)}`;
        socket.destroy();
      }
    });
    // What a broken socket has to say is said by `close`, which always follows.
    socket.on('error', (error) => {
      reason = `the monitor's socket broke: ${causeOf(error)}`;
    });
    socket.on('close', () => events.closed(reason));
  }

  /** Whether it has said what it knows: one that another helper has started takes its time on a loaded machine. */
  get hasGreeted(): boolean {
    return this.#version > 0;
  }

  /** SIGTERM to the command's process group, and after the grace time the end of the whole job. */
  stop(graceMs: bigint): void {
    this.#socket.write(`stop ${graceMs}\n`);
  }

  /**
   * Asks for a freeze of all processes; `paused` tells when they stand still. Not before it has greeted.
   *
   * @throws JobletError (refused) when this monitor knows no pause.
   */
  pause(): void {
    if (this.#version < VERSION_WITH_PAUSES) {
      throw noPause();
    }
    this.#socket.write('pause\n');
  }

  /** Lets them go on; `resumed` tells when they do. */
  resume(): void {
    this.#socket.write('resume\n');
  }

  /** What of the job's output may wait in its memory, bytes. One that does not know it keeps nothing there. */
  keepInMemory(bytes: bigint): void {
    if (this.#version >= VERSION_WITH_OVERFLOW && this.#socket.writable) {
      this.#socket.write(`memory ${bytes}\n`);
    }
  }

  /**
   * A connection for one session, of docs/monitor-protocol.md. The monitor closes it when it has as many as it takes. Not before it has
   * greeted.
   *
   * @throws JobletError (unavailable) when this monitor knows no sessions, does not read, or is gone.
   */
  openSession(): Socket {
    if (this.#version < VERSION_WITH_SESSIONS) {
      throw noSession('its monitor is of an older Joblet, which has no sessions', 'Run the job again.');
    }
    if (this.#socket.destroyed) {
      throw hasEnded();
    }
    if (this.#socket.writableLength > 0) {
      throw doesNotRead();
    }
    const [kept, given] = createSocketPair();
    try {
      passDescriptor(descriptorOf(this.#socket), SESSION, given);
    } catch (error) {
      closeSync(kept);
      throw notPassed(error);
    } finally {
      closeSync(given);
    }
    return new Socket({ fd: kept });
  }

  /** The end of its job is written down: a monitor that finds no room for its record need not wait for it. */
  dismiss(): void {
    if (this.#socket.writable) {
      this.#socket.write('kill\n');
    }
  }

  /** Lets go of the monitor, which goes on; `closed` is not called any more. */
  release(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}

function noPause(): JobletError {
  return new JobletError('refused', {
    layer: 'monitor',
    operation: 'pause',
    object: '',
    reason: 'the monitor of the job is of an older Joblet, which can not pause it',
    mend: 'Let it end, or stop it and run it again.',
  });
}

function doesNotRead(): JobletError {
  return noSession('its monitor does not read', 'Try again.');
}

/** That a monitor is gone is seen here first by whoever comes before the end of its socket is read. */
function notPassed(error: unknown): unknown {
  const reason = error instanceof JobletError ? error.details.reason : undefined;
  if (reason === 'EAGAIN') {
    return doesNotRead();
  }
  return reason === 'EPIPE' || reason === 'ECONNRESET' ? hasEnded() : error;
}

function hasEnded(): JobletError {
  return noSession('its monitor has ended', '');
}

function noSession(reason: string, mend: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'monitor',
    operation: 'open session',
    object: '',
    reason,
    mend,
  });
}

/**
 * Connects to the adoption socket of a monitor that another helper has started.
 *
 * @param monitorsFd an open descriptor of the folder of adoption sockets. Going through it keeps the address within
 *   the 107 bytes of sun_path (unix(7)), wherever the root lies.
 * @throws the system error of connect(2): ENOENT and ECONNREFUSED when there is no monitor behind it.
 */
export function connectToMonitor(monitorsFd: number, uuid: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: `/proc/self/fd/${monitorsFd}/${uuid}` });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
