/** The app's own log: a file in its data folder. What it holds is for whoever looks into a fault. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, pino } from 'pino';

export type { Logger };

/** @param directory the app's data folder */
export function createLog(directory: string): Logger {
  mkdirSync(directory, { recursive: true });
  return pino({ base: null }, destination({ dest: join(directory, 'app.log'), mode: 0o600, sync: true }));
}
