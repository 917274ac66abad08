/**
 * `joblet-helper`: one file, two modes (ADR-001). JOBLET_MODE=server, the default, serves; JOBLET_MODE=init becomes the
 * executor and replays a plan by hand.
 */
import './small-heap.ts';
import { parseArgs } from 'node:util';
import { JobletError } from '../api/errors.ts';
import { VERSION } from '../api/version.ts';

const USAGE = `Usage: joblet-helper [--root DIR]
       JOBLET_MODE=init joblet-helper [--manifest FILE] < PLAN

  --root DIR       folder that everything of Joblet lies under (default: /)
  --manifest FILE  where the plan's sources are opened
  --help           show this help and end
  --version        show the version and end
`;

async function main(): Promise<void> {
  const mode = process.env.JOBLET_MODE ?? 'server';
  if (mode !== 'server' && mode !== 'init') {
    throw usageError('JOBLET_MODE', `is ${JSON.stringify(mode)}`, 'It must be server or init.');
  }
  const { root, manifest, help, version } = parseCommandLine(mode);
  if (help) {
    process.stdout.write(USAGE);
  } else if (version) {
    process.stdout.write(`joblet-helper ${VERSION}\n`);
  } else if (mode === 'init') {
    const { replay } = await import('./replay.ts');
    replay(manifest);
  } else {
    const { serve } = await import('./serve.ts');
    await serve(root ?? '/');
  }
}

interface Flags {
  readonly root?: string;
  readonly manifest?: string;
  readonly help?: boolean;
  readonly version?: boolean;
}

function parseCommandLine(mode: 'server' | 'init'): Flags {
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean' } as const;
  try {
    const always = { help: boolean, version: boolean };
    const args = process.argv.slice(2);
    return mode === 'server'
      ? parseArgs({ args, options: { ...always, root: string } }).values
      : parseArgs({ args, options: { ...always, manifest: string } }).values;
  } catch (error) {
    throw usageError('command line', error instanceof Error ? error.message : String(error), `\n${USAGE}`);
  }
}

function usageError(object: string, reason: string, mend: string): JobletError {
  return new JobletError('invalid', { layer: '', operation: '', object, reason, mend });
}

main().catch((error: unknown) => {
  const text =
    error instanceof JobletError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`joblet-helper: ${text}\n`);
  process.exit(1);
});
