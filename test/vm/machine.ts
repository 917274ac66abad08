/** A cgroup v2 host in QEMU, without a root image: boots, runs one command on the host's own files, and is gone. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { hostArchitecture } from './architecture.ts';
import { obtainInitramfs } from './initramfs.ts';
import { cacheDirectory, type Kernel, obtainKernel } from './kernel.ts';

const execute = promisify(execFile);
/** An emulated processor speculates on nothing, and what would guard it takes a third of the time. */
const KERNEL_OPTIONS = ['quiet', 'panic=-1', 'mitigations=off'];
/** Characters of the kernel's console. */
const CONSOLE_KEPT = 16_384;

export interface MachineOptions {
  /** Run by bash in `checkout`, as root, with standard input at its end. */
  readonly command: string;
  /** The folder that stays visible at its own path; the command starts there. Nothing that is written gets out. */
  readonly checkout: string;
  readonly cpus: number;
  readonly memoryMebibytes: number;
  /** Size of an ext4 disk with project quota at $JOBLET_VM_DISK; 0 = none. */
  readonly diskBytes: number;
  /** Added to the kernel's command line, such as `psi=1`. */
  readonly append: readonly string[];
  /** From the start of QEMU; then the machine is switched off. */
  readonly timeoutMs: number;
  readonly environment: Readonly<Record<string, string>>;
  /** A folder that the command finds, writable, at $JOBLET_VM_OUT: the one way out for files; null = none. */
  readonly outDirectory: string | null;
  /** Switches the machine off. */
  readonly signal: AbortSignal;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** What the machine did not get as far as reporting. */
export class MachineFailure extends Error {
  override readonly name = 'MachineFailure';
}

/**
 * @returns the command's exit code (128 + signal when it was killed).
 * @throws MachineFailure when the machine did not boot, or did not end in time.
 */
export async function runInMachine(options: MachineOptions): Promise<number> {
  const cache = cacheDirectory();
  const kernel = await obtainKernel(cache);
  const initramfs = await obtainInitramfs(cache, kernel);
  const exchange = await mkdtemp(join(tmpdir(), 'joblet-vm-'));
  try {
    const disk = options.diskBytes > 0 ? await makeDisk(join(exchange, 'disk'), options.diskBytes) : '';
    await copyFile(new URL('guest.sh', import.meta.url), join(exchange, 'guest.sh'));
    await writeFile(
      join(exchange, 'settings'),
      shellAssignments({
        CHECKOUT: options.checkout,
        MODULES: kernel.modules,
        DISK: disk,
        OUT: options.outDirectory ?? '',
      }),
    );
    await writeFile(
      join(exchange, 'command'),
      `${shellAssignments(options.environment, 'export ')}${options.command}\n`,
    );
    const argv = emulatorArguments(options, kernel, initramfs, exchange, disk);
    const console = await runEmulator(options, argv, exchange);
    return await exitCodeFrom(exchange, options, console);
  } finally {
    await rm(exchange, { recursive: true, force: true });
  }
}

function emulatorArguments(
  options: MachineOptions,
  kernel: Kernel,
  initramfs: string,
  exchange: string,
  disk: string,
): string[] {
  const { emulator, machine, console } = hostArchitecture();
  const kernelCommandLine = [`console=${console}`, ...KERNEL_OPTIONS, ...options.append];
  return [
    // The emulator dies with us, whatever kills us.
    ...['--pdeathsig', 'KILL', '--', emulator, ...machine],
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', `${options.cpus}`],
    ...['-m', `${options.memoryMebibytes}M`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
    ...['-kernel', kernel.image, '-initrd', initramfs, '-append', kernelCommandLine.join(' ')],
    ...shared('host', '/', 'readonly=on'),
    ...shared('exchange', exchange),
    ...(options.outDirectory === null ? [] : shared('out', options.outDirectory)),
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=stdout,path=${value(join(exchange, 'stdout'))}`],
    ...['-device', 'virtserialport,chardev=stdout,nr=1'],
    ...['-chardev', `socket,id=stderr,path=${value(join(exchange, 'stderr'))}`],
    ...['-device', 'virtserialport,chardev=stderr,nr=2'],
    ...(disk === '' ? [] : ['-drive', `file=${value(disk)},if=virtio,format=raw,cache=unsafe`]),
  ];
}

/** In QEMU's options a comma ends a value, and two stand for one. */
function value(path: string): string {
  return path.replaceAll(',', ',,');
}

/** A folder of this machine, which may be put together from several file systems. */
function shared(tag: string, path: string, ...more: readonly string[]): string[] {
  const words = [
    'local',
    `path=${value(path)}`,
    `mount_tag=${tag}`,
    'security_model=none',
    'multidevs=remap',
  ];
  return ['-virtfs', [...words, ...more].join(',')];
}

/**
 * Ends when the emulator has ended and all of the command's output was passed on.
 *
 * @returns the kernel's console, kept for when nothing else explains a failure.
 */
async function runEmulator(
  options: MachineOptions,
  argv: readonly string[],
  exchange: string,
): Promise<string> {
  const stdout = await receive(join(exchange, 'stdout'), options.stdout);
  const stderr = await receive(join(exchange, 'stderr'), options.stderr);
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  let console = '';
  const remember = (chunk: Buffer) => {
    console = (console + chunk.toString('latin1')).slice(-CONSOLE_KEPT);
  };
  child.stdout.on('data', remember);
  child.stderr.on('data', remember);
  const stop = () => child.kill('SIGKILL');
  const timer = setTimeout(stop, options.timeoutMs);
  options.signal.addEventListener('abort', stop);
  if (options.signal.aborted) {
    stop();
  }
  try {
    await once(child, 'close');
    return console;
  } catch (cause) {
    const { emulator, emulatorPackage } = hostArchitecture();
    throw new MachineFailure(`${emulator}: cannot be started. Install ${emulatorPackage}.`, { cause });
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
    await Promise.all([stdout.close(), stderr.close()]);
  }
}

/** A socket that takes one connection and passes on what it sends, as fast as `target` takes it. */
async function receive(path: string, target: Writable): Promise<{ close(): Promise<void> }> {
  const server = createServer((connection) => {
    server.close();
    connection.pipe(target, { end: false });
  });
  server.listen(path);
  await once(server, 'listening');
  const closed = once(server, 'close');
  return {
    async close() {
      server.close();
      await closed;
    },
  };
}

async function exitCodeFrom(exchange: string, options: MachineOptions, console: string): Promise<number> {
  const read = (name: string) => readFile(join(exchange, name), 'utf8').catch(() => '');
  const error = await read('error');
  const exitCode = Number.parseInt(await read('exit-code'), 10);
  if (error === '' && Number.isInteger(exitCode)) {
    return exitCode;
  }
  if (options.signal.aborted) {
    throw new MachineFailure('the machine was switched off before its command had ended');
  }
  throw new MachineFailure(
    error === ''
      ? `the machine ended without an exit code, or did not end within ${options.timeoutMs / 1000} s. Its console:\n${console}`
      : error.trim(),
  );
}

/** A sparse file: it takes the space of what is written. */
async function makeDisk(path: string, bytes: number): Promise<string> {
  const file = await open(path, 'wx');
  await file.truncate(bytes);
  await file.close();
  // Not on the PATH of every user.
  await execute('/usr/sbin/mkfs.ext4', ['-q', '-O', 'quota,project', '-E', 'quotatype=prjquota', path]);
  return path;
}

/** Lines that a shell sources: every value is quoted so that it stands for itself. */
function shellAssignments(values: Readonly<Record<string, string>>, prefix = ''): string {
  return Object.entries(values)
    .map(([name, value]) => `${prefix}${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
