/**
 * Beside each stored plan stands a manifest: where the plan's numbered sources were opened. With both a person can run
 * the job again by hand (ADR-001): `JOBLET_MODE=init joblet-helper --manifest manifest.json < plan`.
 */
import { JobletError } from '../../api/errors.ts';
import * as z from '../../api/schema.ts';
import type { Plan } from './plan.ts';
import { openSource, PlanSources } from './sources.ts';

const MAX_SOURCES = 1024;

const manifestSchema = z.strictObject({
  version: z.literal(1),
  /** SHA-256 of the build that wrote the plan; another build's executor refuses it. */
  build: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  job: z.uuid(),
  /** In the order of their slots, from 10. */
  sources: z
    .array(z.string().check(z.maxLength(4095), z.regex(/^\/[^\0]*$/, 'must be an absolute path')))
    .check(z.maxLength(MAX_SOURCES)),
});

export type Manifest = z.infer<typeof manifestSchema>;

export function manifestOf(uuid: string, build: string, sources: PlanSources): Manifest {
  return { version: 1, build, job: uuid, sources: [...sources.bySlot.values()].map(({ path }) => path) };
}

export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** @throws JobletError (invalid) naming the first field that is wrong. */
export function parseManifest(text: string, origin: string): Manifest {
  const result = manifestSchema.safeParse(parseJson(text));
  if (result.success) {
    return result.data;
  }
  const issue = result.error.issues[0];
  throw new JobletError('invalid', {
    layer: 'plan',
    operation: 'parse',
    object: origin,
    reason: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`,
    mend: 'Use the manifest.json of the same job as the plan.',
  });
}

/** Opens the sources again, for a replay; the caller disposes of them. */
export function openManifestSources(manifest: Manifest): PlanSources {
  const sources = new PlanSources();
  try {
    for (const path of manifest.sources) {
      sources.take(openSource(path));
    }
    return sources;
  } catch (error) {
    sources[Symbol.dispose]();
    throw error;
  }
}

/** The plan as it may lie on disk: each secret variable keeps its name and loses its value. */
export function withoutSecrets(plan: Plan, secretNames: Iterable<string>): Plan {
  const secrets = new Set(secretNames);
  return {
    ...plan,
    environment: plan.environment.map((variable) => {
      const name = variable.slice(0, variable.indexOf('='));
      return secrets.has(name) ? `${name}=***` : variable;
    }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
