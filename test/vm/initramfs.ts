/** The small file system that the kernel starts with: busybox, the modules to reach the host's `/`, and init.sh. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Kernel } from './kernel.ts';

const execute = promisify(execFile);

/** In the order in which they must be loaded; what the kernel has built in or doesn't know is left out. */
const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_console',
  'netfs',
  'fscache',
  '9pnet',
  '9pnet_virtio',
  '9p',
  'overlay',
];
const BUSYBOX = '/bin/busybox';
const APPLETS = [
  'sh',
  'mount',
  'umount',
  'mkdir',
  'insmod',
  'ifconfig',
  'hostname',
  'poweroff',
  'switch_root',
];
const DIRECTORIES = ['bin', 'dev', 'proc', 'host', 'overlay', 'root', 'modules'];

/** The path of the initramfs for `kernel`, made once for each kernel, init.sh and busybox. */
export async function obtainInitramfs(cache: string, kernel: Kernel): Promise<string> {
  const init = await readFile(new URL('init.sh', import.meta.url));
  const hash = createHash('sha256')
    .update(init)
    .update(await readFile(BUSYBOX))
    .update(MODULES.join());
  const path = join(cache, `initramfs-${kernel.release}-${hash.digest('hex').slice(0, 16)}.cpio`);
  if ((await stat(path).catch(() => null)) === null) {
    await build(path, init, kernel);
  }
  return path;
}

async function build(path: string, init: Buffer, kernel: Kernel): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'joblet-initramfs-'));
  try {
    await Promise.all(DIRECTORIES.map((name) => mkdir(join(tree, name))));
    await copyFile(BUSYBOX, join(tree, 'bin/busybox'));
    await execute(
      'sh',
      ['-c', `cd bin && for applet in ${APPLETS.join(' ')}; do ln -s busybox $applet; done`],
      {
        cwd: tree,
      },
    );
    await writeFile(join(tree, 'init'), init, { mode: 0o755 });
    await copyModules(join(tree, 'modules'), kernel);
    await writeFile(`${path}.new`, await archive(tree));
    await rename(`${path}.new`, path);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

async function copyModules(target: string, kernel: Kernel): Promise<void> {
  const files = await readdir(join(kernel.modules, kernel.release), { recursive: true });
  const loaded: string[] = [];
  for (const module of MODULES) {
    const file = files.find((path) => [`${module}.ko`, `${module}.ko.xz`].includes(basename(path)));
    if (file === undefined) {
      continue;
    }
    const source = join(kernel.modules, kernel.release, file);
    // Debian 13 compresses modules, and insmod wants them plain.
    const bytes = file.endsWith('.xz') ? await output(BUSYBOX, ['xzcat', source]) : await readFile(source);
    await writeFile(join(target, `${module}.ko`), bytes);
    loaded.push(module);
  }
  await writeFile(join(target, 'order'), `${loaded.join('\n')}\n`);
}

/** The tree in cpio's "newc" format, which the kernel unpacks. */
function archive(tree: string): Promise<Buffer> {
  return output('sh', ['-c', `find . | ${BUSYBOX} cpio -o -H newc`], tree);
}

function output(program: string, argv: readonly string[], cwd?: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve(Buffer.concat(chunks))
        : reject(new Error(`${program} ${argv.join(' ')}: exit code ${code}`)),
    );
  });
}
