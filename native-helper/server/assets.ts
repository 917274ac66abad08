/** What the helper carries with it: the executor, and the build id that both must have (ADR-001). */
import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import { causeOf, JobletError } from '../api/errors.ts';
import * as z from '../api/schema.ts';
import { createSealedMemfd } from '../kernel/memfd.ts';

/** Put in by the build; absent when the sources themselves are run. */
declare const __JOBLET_BUILD_ID__: string | undefined;

/** The name under which the single executable carries the executor. */
const EXECUTOR_ASSET = 'joblet-executor';

export interface Assets {
  /** SHA-256 in hexadecimal. */
  readonly buildId: string;
  /** The executor, a static ELF file. */
  readonly executor: Uint8Array;
}

const executorVersionSchema = z.strictObject({
  build: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  plan: z.literal(3),
  monitor: z.literal(3),
});

/**
 * Loads the executor and asks it for its build.
 *
 * @throws JobletError when it is missing, does not run, speaks other formats, or is of another build.
 */
export function loadAssets(): Assets {
  const executor = readExecutor();
  const build = buildOf(executor);
  const expected = typeof __JOBLET_BUILD_ID__ === 'string' ? __JOBLET_BUILD_ID__ : build;
  if (build !== expected) {
    throw unusable('check', `is of build ${build}, this helper is of build ${expected}`);
  }
  return { buildId: build, executor };
}

/** Places of the executor, in the single executable, beside the bundle, or in dist/ for the sources. */
function readExecutor(): Uint8Array {
  if (isSea()) {
    return new Uint8Array(getRawAsset(EXECUTOR_ASSET));
  }
  const here = dirname(fileURLToPath(import.meta.url));
  const folder = typeof __JOBLET_BUILD_ID__ === 'string' ? here : join(here, '../../dist');
  try {
    return readFileSync(join(folder, 'joblet-executor'));
  } catch (error) {
    throw unusable('read', `${folder}: ${causeOf(error)}`);
  }
}

/** Runs the bytes that will be run for jobs, not the file that they came from. */
function buildOf(executor: Uint8Array): string {
  const fd = createSealedMemfd('joblet-executor', executor);
  try {
    const text = execFileSync(`/proc/${process.pid}/fd/${fd}`, ['version'], {
      encoding: 'utf8',
      env: {},
      timeout: 10_000,
      maxBuffer: 4096,
    });
    return executorVersionSchema.parse(JSON.parse(text)).build;
  } catch (error) {
    throw unusable('run', causeOf(error));
  } finally {
    closeSync(fd);
  }
}

function unusable(operation: string, reason: string): JobletError {
  return new JobletError('unavailable', {
    layer: 'executor',
    operation,
    object: 'joblet-executor',
    reason,
    mend: 'Build or install the helper again: helper and executor come from one build.',
  });
}
