/**
 * The two configuration files (ADR-006): everything that one side needs, certificates and keys included, in one YAML.
 * `docs/configuration.md` describes each field.
 */
import { cpuListSchema } from './cpu-list.ts';
import * as z from './schema.ts';

const pem = (label: string) =>
  z
    .string()
    .check(
      z.maxLength(16_384),
      z.regex(
        new RegExp(`^-----BEGIN ${label}-----\\n[A-Za-z0-9+/=\\n]+-----END ${label}-----\\n?$`),
        `must be one PEM block of ${label}`,
      ),
    );

const certificatePem = pem('CERTIFICATE');
const privateKeyPem = pem('PRIVATE KEY');

const nodeIdSchema = z
  .string()
  .check(z.regex(/^[a-zA-Z0-9._-]{1,64}$/, 'must be 1 to 64 of a-z A-Z 0-9 . _ -'));

const intBetween = (minimum: number, maximum: number) =>
  z.int().check(z.minimum(minimum), z.maximum(maximum));

const absolutePath = z.string().check(z.maxLength(4095), z.regex(/^\/[^\0]+$/, 'must be an absolute path'));

const uidSchema = intBetween(0, 4_294_967_294);

/** How jobs are run; a limit set here counts as asked for by every job that does not set its own. */
export const jobsConfigSchema = z
  .strictObject({
    /** uid and gid of every job. The kernel's overflow id, `nobody` on every distribution. */
    user: z._default(uidSchema, 65_534),
    group: z._default(uidSchema, 65_534),
    /** Size of a job's /tmp (tmpfs), bytes. */
    tmp_bytes: z._default(intBetween(1_048_576, 2 ** 50), 1_073_741_824),
    /** What /work of a job may hold that asks for no size of its own, bytes. */
    work_bytes: z.optional(intBetween(2 ** 20, 2 ** 44)),
    /** What the /work of all jobs may hold together, bytes. Only with work_bytes: a folder without a size could not be counted in. */
    all_work_bytes: z.optional(intBetween(2 ** 20, Number.MAX_SAFE_INTEGER)),
    /** Time between SIGTERM and the kill of the whole job, ms. */
    stop_grace_ms: z._default(intBetween(0, 3_600_000), 10_000),
    /** How long a job waits for the files that are to be uploaded to it, ms. */
    upload_wait_ms: z._default(intBetween(100, 31_536_000_000), 86_400_000),
    /** The seccomp filter of a job that names none: 0 (no filter) … 3 (ADR-009). */
    seccomp_level: z._default(intBetween(0, 3), 2),
    /** Monitors that may be on their way up at one time. */
    concurrent_starts: z._default(intBetween(1, 256), 16),
    /** Whether the machine is kept from going to sleep while jobs run. */
    keep_awake: z._default(z.boolean(), true),
    limits: z.prefault(
      z.strictObject({
        cpu_percent: z.optional(intBetween(1, 409_600)),
        cpu_weight: z.optional(intBetween(1, 10_000)),
        memory_bytes: z.optional(z.int().check(z.minimum(1_048_576))),
        pids: z.optional(intBetween(1, 4_194_304)),
        cpu_cores: z.optional(cpuListSchema),
        memory_high_bytes: z.optional(z.int().check(z.minimum(1_048_576))),
        swap_bytes: z.optional(z.int().check(z.minimum(0))),
        io_bytes_per_second: z.optional(z.int().check(z.minimum(4096))),
        io_weight: z.optional(intBetween(1, 10_000)),
      }),
      {},
    ),
  })
  .check(
    z.refine(
      ({ work_bytes, all_work_bytes }) => all_work_bytes === undefined || work_bytes !== undefined,
      'all_work_bytes needs work_bytes',
    ),
  );

/** What is kept of the logs of jobs, and how (without a rule all is kept), and where output goes that the disk does not take in time (ADR-005). */
export const logsConfigSchema = z.strictObject({
  /** Whether what is cold is compressed. */
  compress: z._default(z.boolean(), true),
  /** From the end of a job until its log is cold, ms. Of a job that runs, all but the last 64 MiB is. */
  compress_after_ms: z._default(intBetween(0, 31_536_000_000), 600_000),
  /** Of each log the last so many bytes, as they were printed. */
  job_bytes: z.optional(intBetween(2 ** 20, 2 ** 50)),
  /** What all logs may take of the disk, bytes: the oldest go first. */
  total_bytes: z.optional(intBetween(2 ** 24, 2 ** 50)),
  /** So many days after a job's end its log goes; the job stays. */
  keep_days: z.optional(intBetween(1, 36_500)),
  /** The logs of the last so many jobs that have ended. */
  keep_jobs: z.optional(intBetween(1, 1_000_000)),
  /** Memory for all running jobs together, bytes; each has a share. */
  memory_bytes: z._default(intBetween(2 ** 20, 2 ** 40), 2 ** 30),
  /** A folder on another disk, for what memory has no room for. */
  spill_dir: z.optional(absolutePath),
  /** What one job may have there, bytes. */
  spill_bytes: z._default(intBetween(2 ** 20, 2 ** 44), 4 * 2 ** 30),
});

/** The programs and name servers of jobs with a network of their own. */
export const networksConfigSchema = z.strictObject({
  /** Where `ip` and `nft` lie, if not at one of the usual places. */
  ip: z.optional(absolutePath),
  nft: z.optional(absolutePath),
  /** In place of the host's own resolvers. */
  resolvers: z._default(z.array(z.union([z.ipv4(), z.ipv6()])).check(z.maxLength(8)), []),
});

export const serverConfigSchema = z.strictObject({
  version: z.literal(1),
  node_id: nodeIdSchema,
  /** uids beside root that may use the helper. */
  allowed_uids: z._default(z.array(uidSchema).check(z.maxLength(1024)), []),
  log_level: z._default(z.enum(['trace', 'debug', 'info', 'warn', 'error']), 'info'),
  connections: z.prefault(
    z.strictObject({
      /** Connections at one time, all uids together. */
      total: z._default(intBetween(1, 65_536), 512),
      /** Connections at one time of one uid. */
      per_uid: z._default(intBetween(1, 65_536), 256),
    }),
    {},
  ),
  jobs: z.prefault(jobsConfigSchema, {}),
  networks: z.prefault(networksConfigSchema, {}),
  logs: z.prefault(logsConfigSchema, {}),
  security: z.strictObject({
    ca_certificate: certificatePem,
    ca_key: privateKeyPem,
    certificate: certificatePem,
    key: privateKeyPem,
  }),
});

const clientNodeSchema = z.strictObject({
  /** `unix:///run/joblet/joblet.sock` */
  address: z
    .string()
    .check(z.regex(/^unix:\/\/\/[^\0]{1,107}$/, 'must be unix:///ABSOLUTE/PATH of a socket')),
  nodeId: z.optional(nodeIdSchema),
  isDefault: z.optional(z.boolean()),
  cert: certificatePem,
  key: privateKeyPem,
  ca: certificatePem,
});

export const clientConfigSchema = z.strictObject({
  version: z.literal([1, '3.0', '1']),
  nodes: z
    .record(z.string().check(z.regex(/^[a-zA-Z0-9._-]{1,64}$/)), clientNodeSchema)
    .check(z.refine((nodes) => Object.keys(nodes).length > 0, 'must name at least one node')),
});

export type ServerConfig = z.infer<typeof serverConfigSchema>;
export type ClientConfig = z.infer<typeof clientConfigSchema>;
export type ClientNode = z.infer<typeof clientNodeSchema>;
