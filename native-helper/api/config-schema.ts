/**
 * The two configuration files (ADR-006): everything that one side needs, certificates and keys included, in one YAML.
 * `docs/configuration.md` describes each field.
 */
import * as z from 'zod';

const pem = (label: string) =>
  z
    .string()
    .max(16_384)
    .regex(new RegExp(`^-----BEGIN ${label}-----\\n[A-Za-z0-9+/=\\n]+-----END ${label}-----\\n?$`), {
      message: `must be one PEM block of ${label}`,
    });

const certificatePem = pem('CERTIFICATE');
const privateKeyPem = pem('PRIVATE KEY');

const nodeIdSchema = z.string().regex(/^[a-zA-Z0-9._-]{1,64}$/, 'must be 1 to 64 of a-z A-Z 0-9 . _ -');
const uidSchema = z.int().min(0).max(4_294_967_294);

/** How jobs are run; a limit set here counts as asked for by every job that does not set its own. */
export const jobsConfigSchema = z.strictObject({
  /** uid and gid of every job. The kernel's overflow id, `nobody` on every distribution. */
  user: uidSchema.default(65_534),
  group: uidSchema.default(65_534),
  /** Size of a job's /tmp (tmpfs), bytes. */
  tmp_bytes: z
    .int()
    .min(1_048_576)
    .max(2 ** 50)
    .default(1_073_741_824),
  /** Time between SIGTERM and the kill of the whole job, ms. */
  stop_grace_ms: z.int().min(0).max(3_600_000).default(10_000),
  /** Monitors that may be on their way up at one time. */
  concurrent_starts: z.int().min(1).max(256).default(16),
  limits: z
    .strictObject({
      cpu_percent: z.int().min(1).max(409_600).optional(),
      cpu_weight: z.int().min(1).max(10_000).optional(),
      memory_bytes: z.int().min(1_048_576).optional(),
      pids: z.int().min(1).max(4_194_304).optional(),
    })
    .prefault({}),
});

export const serverConfigSchema = z.strictObject({
  version: z.literal(1),
  node_id: nodeIdSchema,
  /** uids beside root that may use the helper. */
  allowed_uids: z.array(uidSchema).max(1024).default([]),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  connections: z
    .strictObject({
      /** Connections at one time, all uids together. */
      total: z.int().min(1).max(65_536).default(512),
      /** Connections at one time of one uid. */
      per_uid: z.int().min(1).max(65_536).default(256),
    })
    .prefault({}),
  jobs: jobsConfigSchema.prefault({}),
  security: z.strictObject({
    ca_certificate: certificatePem,
    ca_key: privateKeyPem,
    certificate: certificatePem,
    key: privateKeyPem,
  }),
});

const clientNodeSchema = z.strictObject({
  /** `unix:///run/joblet/joblet.sock` */
  address: z.string().regex(/^unix:\/\/\/[^\0]{1,107}$/, 'must be unix:///ABSOLUTE/PATH of a socket'),
  nodeId: nodeIdSchema.optional(),
  isDefault: z.boolean().optional(),
  cert: certificatePem,
  key: privateKeyPem,
  ca: certificatePem,
});

export const clientConfigSchema = z.strictObject({
  version: z.union([z.literal(1), z.literal('3.0'), z.literal('1')]),
  nodes: z
    .record(z.string().regex(/^[a-zA-Z0-9._-]{1,64}$/), clientNodeSchema)
    .refine((nodes) => Object.keys(nodes).length > 0, 'must name at least one node'),
});

export type ServerConfig = z.infer<typeof serverConfigSchema>;
export type ClientConfig = z.infer<typeof clientConfigSchema>;
export type ClientNode = z.infer<typeof clientNodeSchema>;
