/** The search of a log: a grep that whoever may read logs gives its pattern to. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotEscape, verdict } from './escape.ts';

/** grep(1): there was an error. */
const FAULT = 2;

cannotEscape('a search reads nothing that only root may', {
  layer: 'search-rights',
  byExec: false,
  attempt: async (jobs) => {
    using folder = new RootFolder();
    const code = jobs.search([`--file=${folder.secret}`]);
    return verdict(code !== FAULT, `grep ended with ${code}`);
  },
});

class RootFolder implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), 'joblet-escape-'));
  readonly secret = join(this.#path, 'secret');

  constructor() {
    chmodSync(this.#path, 0o711);
    writeFileSync(this.secret, 'of root alone\n', { mode: 0o600 });
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true });
  }
}
