/** A row of the table of jobs as a job; of one that is damaged, what can still be read of it. */
import { create, fromBinary, type Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  type Attempt,
  AttemptSchema,
  DenialsSchema,
  type Failure,
  FailureSchema,
  JobSpecSchema,
  JobStatus,
  LogStateSchema,
  UsageSchema,
} from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';
import { failureOf } from '../jobs/failure.ts';
import type { StoredJob } from './job-store.ts';

/** SQLite's integers have 64 bits, of which JavaScript's numbers hold 53: reading a larger one throws away the whole answer. */
const integer = (column: string): string =>
  `iif(${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}, ${column}, -1) AS ${column}`;
const integerOrNull = (column: string): string =>
  `iif(${column} IS NULL OR ${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}, ${column}, -1) AS ${column}`;

export const JOB_COLUMNS = [
  'sequence',
  'uuid',
  ...['status', 'owner_uid', 'created_us', 'started_us', 'ended_us', 'due_us'].map(integer),
  ...['exit_code', 'signal'].map(integerOrNull),
  'name, command_line, failure, usage, denials, log_state, spec',
].join(', ');

const count = z.int().check(z.minimum(0));

function message<T extends Message>(schema: GenMessage<T>) {
  return z.pipe(
    z.instanceof(Uint8Array),
    z.transform((bytes, { issues }) => {
      try {
        return fromBinary(schema, bytes) as T;
      } catch (error) {
        issues.push({
          code: 'custom',
          input: bytes,
          message: `Invalid message: ${(error as Error).message}`,
        });
        return z.NEVER;
      }
    }),
  );
}

const columns = {
  sequence: z.int(),
  uuid: z.guid(),
  status: z.enum(JobStatus),
  owner_uid: count,
  created_us: count,
  started_us: count,
  ended_us: count,
  due_us: count,
  exit_code: z.nullable(count),
  signal: z.nullable(count),
  name: z.string(),
  command_line: z.string(),
  failure: z.nullable(message(FailureSchema)),
  usage: z.nullable(message(UsageSchema)),
  denials: z.nullable(message(DenialsSchema)),
  log_state: z.nullable(message(LogStateSchema)),
  spec: message(JobSpecSchema).check(
    z.refine(({ command }) => command !== '', 'Invalid message: no command'),
  ),
};

const rowSchema = z.strictObject(columns);

/** Nobody but root may do anything with a job whose owner can't be read. Of a specification what lists are searched by is left. */
const salvageSchema = z.strictObject({
  ...columns,
  status: z.catch(columns.status, JobStatus.LOST),
  owner_uid: z.catch(count, 0),
  created_us: z.catch(count, 0),
  started_us: z.catch(count, 0),
  ended_us: z.catch(count, 0),
  due_us: z.catch(count, 0),
  exit_code: z.catch(columns.exit_code, null),
  signal: z.catch(columns.signal, null),
  failure: z.catch(columns.failure, null),
  usage: z.catch(columns.usage, null),
  denials: z.catch(columns.denials, null),
  log_state: z.catch(columns.log_state, null),
  spec: z.catch(z.nullable(columns.spec), null),
});

const attemptRowSchema = z.strictObject({ attempt: message(AttemptSchema) });

/**
 * @param row of JOB_COLUMNS
 * @throws when not even its id can be read, which `JobStore.mend` sees to.
 */
export function jobOfRow(row: object): StoredJob {
  const whole = rowSchema.safeParse(row);
  if (whole.success) {
    return jobOf(whole.data, null);
  }
  const [issue] = whole.error.issues;
  const left = salvageSchema.parse(row);
  const { name, command_line: command } = left;
  const salvaged = { ...left, spec: left.spec ?? create(JobSpecSchema, { name, command }) };
  return jobOf(salvaged, damageOf(String(issue?.path[0] ?? ''), salvaged.uuid, issue?.message ?? ''));
}

export function attemptOfRow(row: object, uuid: string): Attempt {
  const whole = attemptRowSchema.safeParse(row);
  return whole.success
    ? whole.data.attempt
    : create(AttemptSchema, {
        status: JobStatus.LOST,
        failure: damageOf('attempt', uuid, whole.error.issues[0]?.message ?? ''),
      });
}

/** @param uuid as it stands in the list of jobs */
export function damageOf(column: string, uuid: string, reason: string): Failure {
  return failureOf({
    layer: 'state',
    operation: 'read',
    object: `${column} of job ${uuid}`,
    cause: `is damaged in the database: ${reason}`,
    mend: `What else is known of the job is shown. Save its log and files if you need them, then delete it: joblet job delete ${uuid}`,
  });
}

function jobOf(row: z.output<typeof rowSchema>, damage: Failure | null): StoredJob {
  return {
    sequence: row.sequence,
    uuid: row.uuid,
    status: row.status,
    ownerUid: row.owner_uid,
    createdUs: row.created_us,
    startedUs: row.started_us,
    endedUs: row.ended_us,
    dueUs: row.due_us,
    exitCode: row.exit_code,
    signal: row.signal,
    failure: damage ?? row.failure,
    usage: row.usage,
    denials: row.denials?.denials ?? [],
    logState: row.log_state,
    spec: row.spec,
    damage,
  };
}
