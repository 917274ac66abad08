/** What the desktop has to show of an app whose window is closed. Asked over the session bus, by the program of its own package. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A service that is started by the question has this long, ms. */
const PATIENCE_MS = 3000;

export interface DesktopServices {
  /** StatusNotifierItem's watcher knows of somebody who shows icons. */
  readonly hasTray: boolean;
  /** Desktop Notifications Specification: somebody has the name, or is started for it. */
  readonly hasNotifications: boolean;
}

export async function findDesktopServices(): Promise<DesktopServices> {
  const [tray, server] = await Promise.all([
    ask('org.kde.StatusNotifierWatcher', '/StatusNotifierWatcher', [
      'org.freedesktop.DBus.Properties.Get',
      'string:org.kde.StatusNotifierWatcher',
      'string:IsStatusNotifierHostRegistered',
    ]),
    ask('org.freedesktop.Notifications', '/org/freedesktop/Notifications', [
      'org.freedesktop.Notifications.GetServerInformation',
    ]),
  ]);
  return { hasTray: tray !== null && /\btrue\b/.test(tray), hasNotifications: server !== null };
}

/** @returns what dbus-send(1) prints of the answer; null when there is none. */
async function ask(service: string, path: string, call: readonly string[]): Promise<string | null> {
  const argv = ['--session', '--print-reply=literal', `--reply-timeout=${PATIENCE_MS}`, `--dest=${service}`];
  try {
    const { stdout } = await promisify(execFile)('dbus-send', [...argv, path, ...call], {
      timeout: 2 * PATIENCE_MS,
    });
    return stdout;
  } catch {
    return null;
  }
}
