/** A device of device mapper, in the machine that is thrown away with all that is in it. */
import { execFileSync } from 'node:child_process';

const dmsetup = (...argv: string[]) => execFileSync('dmsetup', argv, { encoding: 'utf8' }).trim();

export class MappedDevice {
  readonly #name: string;

  /** @param table dmsetup(8) */
  constructor(name: string, table: string) {
    this.#name = name;
    execFileSync('busybox', ['modprobe', 'dm_mod']);
    dmsetup('create', '--noudevsync', '--noudevrules', name, '--table', table);
  }

  get path(): string {
    return `/dev/dm-${dmsetup('info', '--columns', '--noheadings', '-o', 'minor', this.#name)}`;
  }

  /** From now on it takes what is written to it and does not end it. */
  suspend(): void {
    dmsetup('suspend', '--noflush', '--nolockfs', this.#name);
  }

  /** @param table in place of the one before */
  resume(table?: string): void {
    if (table !== undefined) {
      dmsetup('load', '--table', table, this.#name);
    }
    dmsetup('resume', '--noudevsync', '--noudevrules', this.#name);
  }

  /** Nothing may be mounted from it any more, but what is on its way out. */
  remove(): void {
    dmsetup('remove', '--noudevsync', '--noudevrules', '--deferred', this.#name);
  }
}
