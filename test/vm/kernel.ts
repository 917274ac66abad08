/** Debian's kernel, downloaded and unpacked, never installed: the host's own boot is left alone. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hostArchitecture } from './architecture.ts';

const execute = promisify(execFile);

export interface Kernel {
  /** Such as `6.1.0-56-amd64`. */
  readonly release: string;
  /** Path of vmlinuz. */
  readonly image: string;
  /** The folder that belongs at /lib/modules. */
  readonly modules: string;
}

/** Where kernels and initramfs are kept, outside every checkout, so that a fresh clone finds them. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const xdg = environment.XDG_CACHE_HOME;
  if (xdg?.startsWith('/')) {
    return join(xdg, 'joblet-vm');
  }
  return process.getuid?.() === 0 ? '/var/cache/joblet-vm' : join(homedir(), '.cache/joblet-vm');
}

/**
 * The newest kernel in the cache; when there is none, Debian's present one. Delete the cache to get a newer one.
 *
 * @throws Error with what apt said when it can't be downloaded.
 */
export async function obtainKernel(cache: string): Promise<Kernel> {
  const kernels = join(cache, 'kernels');
  await mkdir(kernels, { recursive: true });
  const releases = (await readdir(kernels)).filter((name) => /^\d+\.\d+\./.test(name));
  const newest = releases.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1);
  return newest === undefined ? download(kernels) : kernelIn(join(kernels, newest), newest);
}

function kernelIn(directory: string, release: string): Kernel {
  return {
    release,
    image: join(directory, `boot/vmlinuz-${release}`),
    modules: join(directory, 'lib/modules'),
  };
}

async function download(kernels: string): Promise<Kernel> {
  const { kernelPackage } = hostArchitecture();
  const { stdout } = await execute('apt-cache', ['depends', '--important', kernelPackage]);
  const packageName = /Depends: (linux-image-(\S+))/.exec(stdout);
  if (packageName?.[1] === undefined || packageName[2] === undefined) {
    throw new Error(
      `apt-cache depends ${kernelPackage}: names no kernel. Run \`apt-get update\`; the machine needs Debian's archive.`,
    );
  }
  const [, name, release] = packageName;
  const directory = await mkdtemp(join(kernels, '.new-'));
  try {
    await execute('apt-get', ['download', '-q', name], { cwd: directory });
    const archive = (await readdir(directory)).find((file) => file.endsWith('.deb'));
    if (archive === undefined) {
      throw new Error(`apt-get download ${name}: left no package in ${directory}`);
    }
    await execute('dpkg-deb', ['-x', join(directory, archive), directory]);
    await rm(join(directory, archive));
    await execute('busybox', ['depmod', '-b', directory, release]);
    // Only a whole kernel gets its name, however often this is interrupted.
    await rename(directory, join(kernels, release));
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return kernelIn(join(kernels, release), release);
}
