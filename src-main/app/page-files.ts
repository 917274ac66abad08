/** The page as files: what was there at the start can be had, and nothing else has a name. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

export interface PageFile {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/**
 * A request names a file by the very text of its path. Nothing is decoded, joined or resolved, so there is no way to write
 * a path that leads elsewhere.
 */
export class PageFiles {
  readonly #files: ReadonlyMap<string, string>;

  /** @param directory where the built page lies; links in it are not followed */
  constructor(directory: string) {
    this.#files = new Map(filesIn(directory).map((file) => [`/${relative(directory, file)}`, file]));
  }

  /** @param path as it stands in the address. */
  async read(path: string): Promise<PageFile | undefined> {
    const file = this.#files.get(path);
    if (file === undefined) {
      return undefined;
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    return { content: new Uint8Array(await readFile(file)), type };
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}
