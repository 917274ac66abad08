/** `npm run vm -- [--disk SIZE] [--memory SIZE] [--cpus N] [--append WORD]… [--out DIR] [--timeout SECONDS] [--] command…` */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hostArchitecture } from './architecture.ts';
import { MachineFailure, type MachineOptions, runInMachine } from './machine.ts';

const USAGE = `Runs a command as root on a cgroup v2 host in QEMU, on this machine's own files. What it writes is gone afterwards.

usage: npm run vm -- [options] [--] 'command'

  --disk SIZE       an ext4 disk with project quota at $JOBLET_VM_DISK, such as 1G
  --memory SIZE     memory of the machine (2G)
  --cpus N          its processors (2)
  --append WORDS    more for the kernel's command line, such as 'psi=1'; may be repeated.
                    'joblet.cgroup=hybrid' puts the controllers on cgroup v1
  --out DIR         a folder of this machine that the command can write to, at $JOBLET_VM_OUT
  --timeout SECONDS after which it is switched off (600)
`;

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

class UsageError extends Error {}

function sizeOf(text: string, flag: string): number {
  const match = /^(\d{1,15})([KMGT]?)$/.exec(text);
  if (match === null) {
    throw new UsageError(`${flag} ${text}: must be a number of bytes with K, M, G or T, such as 512M`);
  }
  return Number(match[1]) * (UNITS[match[2] ?? ''] ?? 1);
}

function countOf(text: string, flag: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new UsageError(`${flag} ${text}: must be a whole number from 1`);
  }
  return Number(text);
}

function optionsFrom(argv: readonly string[], signal: AbortSignal): MachineOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      disk: { type: 'string', default: '0' },
      memory: { type: 'string', default: '2G' },
      cpus: { type: 'string', default: '2' },
      append: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      timeout: { type: 'string', default: '600' },
    },
  });
  if (positionals.length === 0) {
    throw new UsageError('names no command');
  }
  return {
    command: positionals.join(' '),
    checkout: process.cwd(),
    cpus: countOf(values.cpus, '--cpus'),
    memoryMebibytes: Math.ceil(sizeOf(values.memory, '--memory') / 2 ** 20),
    diskBytes: sizeOf(values.disk, '--disk'),
    append: values.append,
    timeoutMs: countOf(values.timeout, '--timeout') * 1000,
    environment: {},
    outDirectory: values.out === undefined ? null : resolve(values.out),
    signal,
    stdout: process.stdout,
    stderr: process.stderr,
  };
}

async function main(): Promise<number> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => abort.abort());
  }
  try {
    return await runInMachine(optionsFrom(process.argv.slice(2), abort.signal));
  } catch (error) {
    if (error instanceof UsageError || (error instanceof TypeError && 'code' in error)) {
      process.stderr.write(`${error.message}\n\n${USAGE}`);
      return 2;
    }
    if (error instanceof MachineFailure) {
      process.stderr.write(`joblet-vm: ${error.message}\n`);
      return abort.signal.aborted ? 130 : 125;
    }
    const program = missingProgram(error);
    if (program !== undefined) {
      const packages = ['busybox-static', 'e2fsprogs', hostArchitecture().emulatorPackage].join(' ');
      process.stderr.write(
        `joblet-vm: ${program} is not installed. The machine needs: apt-get install ${packages}\n`,
      );
      return 125;
    }
    throw error;
  }
}

/** What Node could not start because it isn't there. */
function missingProgram(error: unknown): string | undefined {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' && syscall?.startsWith('spawn') ? path : undefined;
}

process.exitCode = await main();
