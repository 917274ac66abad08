/** Init mode: this process becomes the executor and runs a job by hand, from the plan on standard input (ADR-001). */
import { fstatSync, openSync, readFileSync } from 'node:fs';
import { causeOf, JobletError } from '../api/errors.ts';
import { createSealedMemfd } from '../kernel/memfd.ts';
import { replaceProcess } from '../kernel/replace-process.ts';
import { loadAssets } from './assets.ts';
import { openManifestSources, parseManifest } from './plan/manifest.ts';

/** A manifest names at most 1024 paths of at most 4095 bytes. */
const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

/**
 * Does not come back.
 *
 * @param manifestPath where the plan's sources are named; undefined when it has none.
 * @throws JobletError when the manifest can't be read, is of another build, or a source can't be opened.
 */
export function replay(manifestPath: string | undefined): never {
  const { executor, buildId } = loadAssets();
  const descriptors =
    manifestPath === undefined ? new Map<number, number>() : openSources(manifestPath, buildId);
  replaceProcess({
    executableFd: createSealedMemfd('joblet-executor', executor),
    argv: ['joblet-executor', 'replay'],
    // The job's environment stands in the plan; the executor itself needs none.
    environment: [],
    descriptors,
  });
}

function openSources(path: string, buildId: string): Map<number, number> {
  const manifest = parseManifest(readManifest(path), path);
  if (manifest.build !== buildId) {
    throw new JobletError('refused', {
      layer: 'plan',
      operation: 'check',
      object: path,
      reason: `was written by build ${manifest.build}, this one is ${buildId}`,
      mend: 'Replay with the helper that ran the job.',
    });
  }
  return openManifestSources(manifest).descriptors();
}

function readManifest(path: string): string {
  try {
    const fd = openSync(path, 'r');
    const { size } = fstatSync(fd);
    if (size > MAX_MANIFEST_BYTES) {
      throw new Error(`is larger than ${MAX_MANIFEST_BYTES} bytes`);
    }
    return readFileSync(fd, 'utf8');
  } catch (error) {
    throw new JobletError('invalid', {
      layer: 'plan',
      operation: 'read',
      object: path,
      reason: causeOf(error),
      mend: '',
    });
  }
}
