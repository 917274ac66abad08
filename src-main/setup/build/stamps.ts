import { createHash } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

/** Remembers from what each step's outputs were made, so that only what changed is made again. */
export class Stamps {
  readonly #path: string;
  readonly #stamps: Record<string, string>;
  readonly #hashes = new Map<string, Promise<string>>();

  private constructor(path: string, stamps: Record<string, string>) {
    this.#path = path;
    this.#stamps = stamps;
  }

  static async open(path: string): Promise<Stamps> {
    try {
      return new Stamps(path, JSON.parse(await readFile(path, 'utf8')) as Record<string, string>);
    } catch {
      // Missing or cut short: everything is made again.
      return new Stamps(path, {});
    }
  }

  /**
   * @param inputs files whose content the outputs depend on
   * @param outputs files that must be there afterwards
   * @param parameter what else the outputs depend on
   */
  async step(
    name: string,
    inputs: readonly string[],
    outputs: readonly [string, ...string[]],
    make: (output: string) => Promise<void>,
    parameter = '',
  ): Promise<void> {
    const stamp = await this.#stampOf(inputs, parameter);
    if (this.#stamps[name] === stamp && (await allExist(outputs))) {
      return;
    }
    const start = performance.now();
    delete this.#stamps[name];
    try {
      await make(outputs[0]);
    } catch (error) {
      process.stdout.write(`  ${name} … failed\n`);
      throw error;
    }
    // A step may have made the inputs of a later one.
    this.#hashes.clear();
    this.#stamps[name] = stamp;
    await writeFile(this.#path, JSON.stringify(this.#stamps, null, 2));
    // In one piece, since set-up tells meanwhile that it is still at work.
    process.stdout.write(`  ${name} … ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  }

  async #stampOf(inputs: readonly string[], parameter: string): Promise<string> {
    const hashes = await Promise.all(inputs.map((path) => this.#hashOf(path)));
    const stamp = createHash('sha256').update(`${process.version} ${process.arch} ${parameter}\n`);
    for (const [index, path] of inputs.entries()) {
      stamp.update(`${path} ${hashes[index]}\n`);
    }
    return stamp.digest('hex');
  }

  #hashOf(path: string): Promise<string> {
    const known = this.#hashes.get(path) ?? readFile(path).then(sha256);
    this.#hashes.set(path, known);
    return known;
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function allExist(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}
