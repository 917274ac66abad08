import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONTENT = 'a file of the host\n';

/** A file of the host, in a folder of its own, that every user may read and write: only a layer can protect it. */
export class HostFile implements Disposable {
  readonly folder: string;
  readonly path: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, 'canary');
    chmodSync(folder, 0o777);
    writeFileSync(this.path, CONTENT);
    chmodSync(this.path, 0o666);
  }

  static in(parent: string): HostFile {
    return new HostFile(mkdtempSync(join(parent, 'joblet-escape-')));
  }

  get isChanged(): boolean {
    return readFileSync(this.path, 'utf8') !== CONTENT;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}
