/** The app's own log: a file in its data folder. What it holds is for whoever looks into a fault. */
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, pino } from 'pino';

export type Report = (message: string, details: object) => void;

/** At the next start it begins anew; the one before is kept beside it. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Longer texts of a detail are cut: they may come from a page that has gone wrong. */
const MAX_CHARACTERS = 1000;
const PERIOD_MS = 1000;

/** @param directory the app's data folder */
export function createLog(directory: string): Logger {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'app.log');
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) {
    renameSync(path, `${path}.1`);
  }
  return pino({ base: null }, destination({ dest: path, mode: 0o600, sync: true }));
}

/** A warning that never floods: of one message a line a second is written, with the number of those between. */
export function reportTo(logger: Pick<Logger, 'warn'>): Report {
  const last = new Map<string, { readonly time: number; suppressed: number }>();
  return (message, details) => {
    const now = Date.now();
    const before = last.get(message);
    if (before !== undefined && now - before.time < PERIOD_MS) {
      before.suppressed += 1;
      return;
    }
    const suppressed = before?.suppressed ?? 0;
    last.set(message, { time: now, suppressed: 0 });
    logger.warn({ ...cut(details), ...(suppressed > 0 && { suppressed }) }, message);
  };
}

function cut(details: object): object {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.slice(0, MAX_CHARACTERS) : value,
    ]),
  );
}
