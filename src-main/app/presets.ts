/** Specifications under a name, kept in `presets.json`. Values of secrets are never kept: only their names are. */
import { create, fromJson, type JsonObject, toJson } from '@bufbuild/protobuf';
import * as z from 'zod';
import { JobletError } from '../../native-helper/api/errors.ts';
import { JobSpecSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { type CheckedJobSpec, jobSpecSchema } from '../../native-helper/api/job-spec.ts';
import { fieldsOf } from '../../native-helper/api/job-spec-message.ts';
import type { Preset } from '../ipc/contract.ts';
import { type Damage, DataFile } from './data-file.ts';

/** More than anybody keeps; a page that has gone wrong must not fill the disk. */
const MAX_PRESETS = 500;
const MAX_BYTES = 16 * 1024 * 1024;

const fileSchema = z.strictObject({
  version: z.literal(1),
  presets: z
    .array(
      z.strictObject({
        name: z.string(),
        /** `joblet.v1.JobSpec` as protobuf's JSON: it has a form for numbers of 64 bits. */
        spec: z.record(z.string(), z.json()).refine((spec) => specOf(spec) !== undefined, 'is not a job'),
      }),
    )
    .max(MAX_PRESETS),
});
type Content = z.infer<typeof fileSchema>;

export class PresetStore {
  readonly #file: DataFile<Content>;
  #presets: readonly Preset[];

  private constructor(file: DataFile<Content>, presets: readonly Preset[]) {
    this.#file = file;
    this.#presets = presets;
  }

  static async open(path: string, onDamage: (damage: Damage) => void): Promise<PresetStore> {
    const file = new DataFile<Content>(path, fileSchema);
    const { presets } = (await file.read(onDamage)) ?? { presets: [] };
    return new PresetStore(
      file,
      presets.flatMap(({ name, spec }) => {
        const checked = specOf(spec);
        return checked === undefined ? [] : [{ name, spec: checked }];
      }),
    );
  }

  /** By name. */
  list(): Preset[] {
    return this.#presets.toSorted((one, other) => one.name.localeCompare(other.name));
  }

  /** One of the same name is replaced. @throws JobletError (exhausted) when there are too many. */
  save({ name, spec }: Preset): Promise<void> {
    const kept = { name, spec: withoutSecrets(spec) };
    return this.#replace([...this.#presets.filter((each) => each.name !== name), kept]);
  }

  delete(name: string): Promise<void> {
    return this.#replace(this.#presets.filter((each) => each.name !== name));
  }

  async #replace(presets: readonly Preset[]): Promise<void> {
    const content = { version: 1 as const, presets: presets.map(jsonOf) };
    if (presets.length > MAX_PRESETS || JSON.stringify(content).length > MAX_BYTES) {
      throw new JobletError('exhausted', {
        layer: 'settings',
        operation: 'save preset',
        object: presets.at(-1)?.name ?? '',
        reason: `at most ${MAX_PRESETS} presets and ${MAX_BYTES / 1024 / 1024} MB are kept`,
        mend: 'Delete some that you no longer use.',
      });
    }
    this.#presets = presets;
    await this.#file.write(content);
  }
}

function withoutSecrets(spec: CheckedJobSpec): CheckedJobSpec {
  const names = Object.keys(spec.secretEnvironment);
  return { ...spec, secretEnvironment: Object.fromEntries(names.map((name) => [name, ''])) };
}

function jsonOf({ name, spec }: Preset): Content['presets'][number] {
  return { name, spec: toJson(JobSpecSchema, create(JobSpecSchema, spec)) as JsonObject };
}

function specOf(json: JsonObject): CheckedJobSpec | undefined {
  try {
    return jobSpecSchema.parse(fieldsOf(fromJson(JobSpecSchema, json)));
  } catch {
    return undefined;
  }
}
