/** Specifications under a name, kept in `presets.json`. Values of secrets, and of plain variables that are called like one, are never kept. */
import { create, fromJson, type JsonObject, toJson } from '@bufbuild/protobuf';
import { JobletError } from '../../native-helper/api/errors.ts';
import { JobSpecSchema } from '../../native-helper/api/gen/joblet_pb.js';
import { type CheckedJobSpec, isSecretName, jobSpecSchema } from '../../native-helper/api/job-spec.ts';
import { fieldsOf } from '../../native-helper/api/job-spec-message.ts';
import * as z from '../../native-helper/api/schema.ts';
import { type Preset, presetNameSchema } from '../ipc/contract.ts';
import { type Damage, DataFile } from './data-file.ts';

/** More than anybody finds his way in. */
const MAX_PRESETS = 500;

const fileSchema = z.strictObject({
  version: z.literal(1),
  presets: z
    .array(
      z.strictObject({
        name: presetNameSchema,
        /** `joblet.v1.JobSpec` as protobuf's JSON: it has a form for numbers of 64 bits. */
        spec: z
          .record(z.string(), z.json())
          .check(z.refine((spec) => specOf(spec) !== undefined, 'is not a job')),
      }),
    )
    .check(
      z.maxLength(MAX_PRESETS),
      z.refine(
        (presets) => new Set(presets.map(({ name }) => name)).size === presets.length,
        'has a name twice',
      ),
    ),
});
type Content = z.infer<typeof fileSchema>;

export class PresetStore {
  readonly #file: DataFile<Content>;
  #presets: readonly Preset[];
  #lastChange: Promise<void> = Promise.resolve();

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

  /** One of the same name is replaced. @throws JobletError (exhausted) when there are too many; then it is not kept. */
  save({ name, spec }: Preset): Promise<void> {
    // A time that was meant once is past by the next.
    const kept = { name, spec: { ...withoutSecrets(spec), startAtUs: 0n } };
    return this.#change((presets) => [...presets.filter((each) => each.name !== name), kept]);
  }

  delete(name: string): Promise<void> {
    return this.#change((presets) => presets.filter((each) => each.name !== name));
  }

  /** One after the other; what could not be written has not happened. */
  #change(changed: (presets: readonly Preset[]) => readonly Preset[]): Promise<void> {
    const change = this.#lastChange.then(async () => {
      const presets = changed(this.#presets);
      if (presets.length > MAX_PRESETS) {
        throw tooMany(presets.at(-1)?.name ?? '');
      }
      await this.#file.write({ version: 1, presets: presets.map(jsonOf) });
      this.#presets = presets;
    });
    this.#lastChange = change.catch(() => {});
    return change;
  }
}

function tooMany(object: string): JobletError {
  return new JobletError('exhausted', {
    layer: 'settings',
    operation: 'save preset',
    object,
    reason: `at most ${MAX_PRESETS} presets are kept`,
    mend: 'Delete some that you no longer use.',
  });
}

/** What the form takes for a value that was not kept. */
const TYPE_AGAIN = '***';

function withoutSecrets(spec: CheckedJobSpec): CheckedJobSpec {
  const plain = Object.entries(spec.environment).map(([name, value]) => [
    name,
    isSecretName(name) ? TYPE_AGAIN : value,
  ]);
  const names = Object.keys(spec.secretEnvironment);
  return {
    ...spec,
    environment: Object.fromEntries(plain),
    secretEnvironment: Object.fromEntries(names.map((name) => [name, ''])),
  };
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
