/**
 * The values of secrets of jobs that wait for a time or may have another attempt. They are in the helper's memory and nowhere
 * else, so they go with it: a job that still needs them then is not started, and says why.
 */
import { JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';

/** Of all jobs together: what waits for days must not fill the memory. */
const HELD_BYTES_MAXIMUM = 64 * 1024 * 1024;

interface Held {
  readonly values: CheckedJobSpec['secretEnvironment'];
  readonly bytes: number;
}

export class HeldSecrets {
  readonly #ofJob = new Map<string, Held>();
  #bytes = 0;

  /** @throws JobletError (exhausted) when there is no room for those of one more job. */
  hold(uuid: string, { secretEnvironment: values }: CheckedJobSpec): void {
    const bytes = Object.entries(values).reduce(
      (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
      0,
    );
    if (bytes === 0) {
      return;
    }
    if (this.#bytes + bytes > HELD_BYTES_MAXIMUM) {
      throw tooMuch();
    }
    this.#bytes += bytes;
    this.#ofJob.set(uuid, { values, bytes });
  }

  /**
   * @param spec as it is stored, with the names of its secrets only.
   * @throws JobletError (unavailable) when their values went with an earlier helper.
   */
  restore(uuid: string, spec: CheckedJobSpec): CheckedJobSpec {
    const held = this.#ofJob.get(uuid);
    if (held === undefined) {
      refuseLostSecrets(spec);
      return spec;
    }
    return { ...spec, secretEnvironment: held.values };
  }

  has(uuid: string): boolean {
    return this.#ofJob.has(uuid);
  }

  forget(uuid: string): void {
    this.#bytes -= this.#ofJob.get(uuid)?.bytes ?? 0;
    this.#ofJob.delete(uuid);
  }
}

/** @throws JobletError (unavailable) */
export function refuseLostSecrets({ secretEnvironment }: Pick<CheckedJobSpec, 'secretEnvironment'>): void {
  if (Object.keys(secretEnvironment).length > 0) {
    throw new JobletError('unavailable', {
      layer: 'secrets',
      operation: 'start',
      object: '',
      reason: 'the helper ended before the job was started, and secret values are never stored',
      mend: '',
    });
  }
}

function tooMuch(): JobletError {
  return new JobletError('exhausted', {
    layer: 'secrets',
    operation: 'hold',
    object: '',
    reason: `jobs that wait hold more than ${HELD_BYTES_MAXIMUM} bytes of secrets together`,
    mend: 'Cancel some of them, or run this one without a start time and without retries.',
  });
}
