/**
 * The bounds of a job's specification, checked by one schema on both sides: the command line before it sends, the
 * helper before it trusts. Sizes are bytes of UTF-8.
 */
import { cpuListSchema } from './cpu-list.ts';

import { mountsSchema } from './job-mounts.ts';
import { labelsSchema } from './labels.ts';
import {
  hasAddresses,
  indexOfPortPublishedAgain,
  isNetworkName,
  NETWORK_NAME_RULE,
  PORT_LIST_RULE,
  PUBLISHED_RULE,
  PUBLISHED_WHERE,
  parsePortList,
  parsePublishedPort,
} from './networks.ts';
import * as z from './schema.ts';
import { byteLength, singleLine, wellFormedText } from './text-schema.ts';
import { volumeMountsSchema } from './volume.ts';

/** execve(2): MAX_ARG_STRLEN is 32 pages of 4 KiB, the terminating NUL included. */
export const MAX_ARGUMENT_BYTES = 131_071;
export const MAX_ARGUMENTS = 16_383;
/** What argv and the environment may take together; execve(2) allows a quarter of the 8 MiB stack. */
export const MAX_ARGUMENT_SPACE_BYTES = 1_572_864;
export const MAX_NAME_BYTES = 128;
export const MAX_ENVIRONMENT_VALUE_BYTES = 32_768;
export const MAX_ENVIRONMENT_NAME_BYTES = 256;
export const MAX_ENVIRONMENT_VARIABLES = 4096;
/** One core is 100. 4096 cores is more than Linux's NR_CPUS on any distribution's x86-64 or arm64 kernel but a few. */
export const MAX_CPU_PERCENT = 409_600;
/** Less than this and the kernel kills init before the command can run. */
export const MIN_MEMORY_BYTES = 1_048_576n;
/** 2⁶² bytes: far beyond any machine, far from overflow in the kernel's page counter. */
export const MAX_MEMORY_BYTES = 2n ** 62n;
/** PID_MAX_LIMIT of a 64-bit kernel. */
export const MAX_PIDS = 4_194_304n;
/** A page a second: with less a job could not even read its program within its life. */
export const MIN_IO_BYTES_PER_SECOND = 4096n;
/** ADR-009; 0 is no filter. */
export const MAX_SECCOMP_LEVEL = 3;
/** 1 MiB, of which mkfs.ext4 can still make a file system, and 16 TiB, which ext4 holds in blocks of 4 KiB. */
export const MIN_WORK_BYTES = 2n ** 20n;
export const MAX_WORK_BYTES = 2n ** 44n;
/** Paths, each as long as the kernel takes one. */
export const MAX_UPLOADS = 256;
const MAX_UPLOAD_BYTES = 4096;
/** A year, in milliseconds. */
export const MAX_DURATION_MS = 31_536_000_000n;
/** What a JavaScript number holds exactly: in the year 2255. */
const MAX_TIME_US = BigInt(Number.MAX_SAFE_INTEGER);
export const MAX_RETRIES = 100;
const MAX_BACKOFF = 10;
/** What a job waits for whose files are not there, and not on their way. */
export const FILES_AWAITED = 'its files';
/** LogOverflow of joblet.proto, without its code, which the app's page would have to load; 0: as `continue`. */
export const LOG_OVERFLOW = { continue: 1, block: 2 } as const;
export const NO_RETRY = { attempts: 0, delayMs: 0n, backoff: 0 } as const;

const ENVIRONMENT_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RESERVED_ENVIRONMENT_NAME = /^(JOB|JOBLET)_/;
/** RFC 1123 labels, as sethostname(2) and every resolver accept them. */
const HOSTNAME = /^(?!-)[a-zA-Z0-9-]{1,63}(?<!-)$/;
/** zod passes over a key of this name without a word, and a job must never run with less than was asked for. */
const environmentSchema = z.pipe(
  z.custom<Record<string, string>>((variables) => !Object.hasOwn(Object(variables), '__proto__'), {
    message: '__proto__ cannot be set',
    abort: true,
  }),
  z.record(
    z.string().check(
      z.regex(ENVIRONMENT_NAME, 'must be letters, digits and underscores, and not begin with a digit'),
      z.refine((name) => byteLength(name) <= MAX_ENVIRONMENT_NAME_BYTES, 'is too long'),
      z.refine((name) => !RESERVED_ENVIRONMENT_NAME.test(name), 'is reserved and cannot be set'),
    ),
    wellFormedText(MAX_ENVIRONMENT_VALUE_BYTES),
  ),
);

const memorySchema = z.bigint().check(z.minimum(MIN_MEMORY_BYTES), z.maximum(MAX_MEMORY_BYTES));

const limitsSchema = z.strictObject({
  cpuPercent: z.optional(z.int().check(z.minimum(1), z.maximum(MAX_CPU_PERCENT))),
  cpuWeight: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
  memoryBytes: z.optional(memorySchema),
  pids: z.optional(z.bigint().check(z.minimum(1n), z.maximum(MAX_PIDS))),
  cpuCores: z.optional(cpuListSchema),
  memoryHighBytes: z.optional(memorySchema),
  swapBytes: z.optional(z.bigint().check(z.minimum(0n), z.maximum(MAX_MEMORY_BYTES))),
  ioBytesPerSecond: z.optional(
    z.bigint().check(z.minimum(MIN_IO_BYTES_PER_SECOND), z.maximum(MAX_MEMORY_BYTES)),
  ),
  ioWeight: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
});

const durationSchema = z.bigint().check(z.minimum(0n), z.maximum(MAX_DURATION_MS));

const retrySchema = z
  .strictObject({
    attempts: z.int().check(z.minimum(0), z.maximum(MAX_RETRIES)),
    delayMs: durationSchema,
    /** 0 and 1: each delay is as long as the one before. */
    backoff: z.int().check(z.minimum(0), z.maximum(MAX_BACKOFF)),
  })
  .check(
    z.refine(
      ({ attempts, delayMs, backoff }) => attempts > 0 || (delayMs === 0n && backoff === 0),
      'has a delay and no attempts',
    ),
  );
/** What `require` may name: what a kernel may lack, and a job then runs without. */
export const REQUIRABLE: readonly string[] = ['landlock-scopes'];
/** Each is a rule in the packet filter, and a descriptor of the monitor. */
const MAX_PUBLISHED_PORTS = 64;

const portListSchema = z.string().check(
  z.maxLength(16_384),
  z.refine((text) => parsePortList(text) !== undefined, PORT_LIST_RULE),
);

const WORK_DIRECTORY_PARTS = /^\/(?:[^/]+(?:\/[^/]+)*)?$/;

/** struct winsize of ioctl_tty(2). */
export const MAX_TERMINAL_CELLS = 65_535;

const cells = z.int().check(z.minimum(0), z.maximum(MAX_TERMINAL_CELLS));
/** 0 is a size that is not known. */
export const terminalSchema = z.strictObject({ columns: cells, rows: cells });

export const jobSpecSchema = z
  .strictObject({
    name: singleLine(MAX_NAME_BYTES),
    command: wellFormedText(MAX_ARGUMENT_BYTES).check(
      z.refine((text) => text.trim() !== '', 'must not be empty'),
    ),
    args: z.array(wellFormedText(MAX_ARGUMENT_BYTES)).check(z.maxLength(MAX_ARGUMENTS)),
    environment: environmentSchema,
    secretEnvironment: environmentSchema,
    limits: limitsSchema,
    timeoutMs: durationSchema,
    stopGraceMs: durationSchema,
    workDir: singleLine(4095).check(
      z.refine((path) => path === '' || WORK_DIRECTORY_PARTS.test(path), 'must be an absolute path'),
      z.refine(
        (path) => !path.split('/').some((part) => part === '.' || part === '..'),
        'must not hold . or .. parts',
      ),
    ),
    hostname: z
      .string()
      .check(z.refine((name) => name === '' || HOSTNAME.test(name), 'must be a host name label')),
    volumes: volumeMountsSchema,
    labels: labelsSchema,
    startAtUs: z.bigint().check(z.minimum(0n), z.maximum(MAX_TIME_US)),
    retry: retrySchema,
    terminal: z.optional(terminalSchema),
    stdin: z.boolean(),
    network: z._default(
      z.string().check(z.refine((name) => name === '' || isNetworkName(name), NETWORK_NAME_RULE)),
      '',
    ),
    ports: z._default(
      z
        .array(z.string().check(z.refine((text) => parsePublishedPort(text) !== undefined, PUBLISHED_RULE)))
        .check(z.maxLength(MAX_PUBLISHED_PORTS)),
      [],
    ),
    require: z._default(
      z
        .array(
          z
            .string()
            .check(z.refine((name) => REQUIRABLE.includes(name), `must be one of ${REQUIRABLE.join(', ')}`)),
        )
        .check(z.maxLength(REQUIRABLE.length)),
      [],
    ),
    tcpPorts: z._default(
      z.strictObject({ connect: z.optional(portListSchema), bind: z.optional(portListSchema) }),
      {},
    ),
    seccompLevel: z.optional(z.int().check(z.minimum(0), z.maximum(MAX_SECCOMP_LEVEL))),
    mounts: z._default(mountsSchema, []),
    workBytes: z._default(
      z.bigint().check(
        z.maximum(MAX_WORK_BYTES),
        z.refine((bytes) => bytes === 0n || bytes >= MIN_WORK_BYTES, `must be at least ${MIN_WORK_BYTES}`),
      ),
      0n,
    ),
    logOverflow: z._default(z.literal([0, LOG_OVERFLOW.continue, LOG_OVERFLOW.block]), 0),
    uploads: z._default(
      z.array(wellFormedText(MAX_UPLOAD_BYTES).check(z.minLength(1))).check(z.maxLength(MAX_UPLOADS)),
      [],
    ),
  })
  .check(
    z.superRefine((spec, context) => {
      const names = [...Object.keys(spec.environment), ...Object.keys(spec.secretEnvironment)];
      if (names.length > MAX_ENVIRONMENT_VARIABLES) {
        context.addIssue({
          code: 'custom',
          path: ['environment'],
          message: `must be at most ${MAX_ENVIRONMENT_VARIABLES} variables`,
        });
      }
      if (spec.stdin && spec.terminal !== undefined) {
        context.addIssue({ code: 'custom', path: ['stdin'], message: 'a terminal is an input already' });
      }
      const twice = Object.keys(spec.environment).find((name) => Object.hasOwn(spec.secretEnvironment, name));
      if (twice !== undefined) {
        context.addIssue({
          code: 'custom',
          path: ['secretEnvironment', twice],
          message: 'is set as a plain variable too',
        });
      }
      if (spec.ports.length > 0 && !hasAddresses(spec.network)) {
        context.addIssue({
          code: 'custom',
          path: ['ports'],
          message: PUBLISHED_WHERE,
        });
      }
      const again = indexOfPortPublishedAgain(spec.ports);
      if (again >= 0) {
        context.addIssue({ code: 'custom', path: ['ports', again], message: 'is published twice' });
      }
      const texts = [
        spec.command,
        ...spec.args,
        ...[spec.environment, spec.secretEnvironment].flatMap((variables) =>
          Object.entries(variables).flat(),
        ),
      ];
      const space = texts.reduce((sum, text) => sum + byteLength(text) + 1, 0);
      if (space > MAX_ARGUMENT_SPACE_BYTES) {
        context.addIssue({
          code: 'custom',
          path: ['args'],
          message: `arguments and environment together must be at most ${MAX_ARGUMENT_SPACE_BYTES} bytes`,
        });
      }
    }),
  );

/** A checked specification. Every field is present; the empty value means "not asked for". */
export type CheckedJobSpec = z.infer<typeof jobSpecSchema>;

const SECRET_NAME = /(^SECRET_|_(TOKEN|KEY|PASSWORD|SECRET)$)/;

/** Whether a plain variable is shown as `***` because of its name. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
