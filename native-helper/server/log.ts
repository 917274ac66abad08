/** The helper's own log: JSON lines, bounded in size, never a secret. */
import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { ServerConfig } from '../api/config-schema.ts';
import { causeOf } from '../api/errors.ts';

export type { Logger };

/** With the one before it, the log takes at most twice this. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/**
 * A file that is moved to `<path>.1` when it is full. Writes are synchronous: what was logged before a crash is in the
 * file, and no buffer or timer is kept for a log of a few lines a day.
 */
export class BoundedLogFile {
  readonly #path: string;
  readonly #maximumBytes: number;
  #fd: number;
  #size: number;

  constructor(path: string, maximumBytes: number = MAX_LOG_BYTES) {
    this.#path = path;
    this.#maximumBytes = maximumBytes;
    this.#fd = openLog(path);
    this.#size = fstatSync(this.#fd).size;
  }

  write(line: string): void {
    try {
      if (this.#size > 0 && this.#size + Buffer.byteLength(line) > this.#maximumBytes) {
        this.#rotate();
      }
      this.#size += writeSync(this.#fd, line);
    } catch {
      // A full disk must stop neither jobs nor answers; the line is lost.
    }
  }

  #rotate(): void {
    try {
      renameSync(this.#path, `${this.#path}.1`);
    } catch (error) {
      // Moved already, when there was no room or no descriptor for a new one.
      if (causeOf(error) !== 'ENOENT') {
        throw error;
      }
    }
    const full = this.#fd;
    this.#fd = openLog(this.#path);
    this.#size = 0;
    closeSync(full);
  }
}

function openLog(path: string): number {
  return openSync(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
    0o600,
  );
}

export function createLogger(path: string, level: ServerConfig['log_level']): Logger {
  return pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    new BoundedLogFile(path),
  );
}

/** A log that never fills: many events of one kind in a second become one line that counts them. */
export class RateLimitedWarning {
  readonly #logger: Logger;
  readonly #last = new Map<string, { time: number; suppressed: number }>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param message a fixed text: one line a second is written for each. */
  warn(message: string, details: object): void {
    const now = Date.now();
    const last = this.#last.get(message);
    if (last !== undefined && now - last.time < 1000) {
      last.suppressed += 1;
      return;
    }
    const suppressed = last?.suppressed ?? 0;
    this.#logger.warn({ ...details, ...(suppressed > 0 && { suppressed }) }, message);
    this.#last.set(message, { time: now, suppressed: 0 });
  }
}
