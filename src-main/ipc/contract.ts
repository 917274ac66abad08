/**
 * All that the window and the main process can say to each other: the one thing of `src-main` that the window knows. A
 * *request* has one answer; a *stream* sends items until it ends, as many ahead as its `window` says. Times are
 * microseconds since the Unix epoch, 0 = not yet.
 */

import { jobSpecSchema } from '../../native-helper/api/job-spec.ts';
import { isNetworkName, NETWORK_NAME_RULE } from '../../native-helper/api/networks.ts';
import * as z from '../../native-helper/api/schema.ts';
import { MAX_VOLUME_BYTES, MIN_VOLUME_BYTES, volumeNameSchema } from '../../native-helper/api/volume.ts';

export { FILES_AWAITED, LOG_OVERFLOW, NO_RETRY } from '../../native-helper/api/job-spec.ts';
export { parsePastTime, parseStartTime } from '../../native-helper/api/typed-time.ts';
/** Both sides read lines of shell: what is pasted, and what is typed as a command. */
export * from './shell-words.ts';
export * from './wire.ts';

const uuidSchema = z.uuid();
const timeSchema = z.number().check(z.minimum(0));
const countSchema = z.int().check(z.minimum(0));
const bytesSchema = z.number().check(z.minimum(0));

export const JOB_STATUSES = [
  'INITIALIZING',
  'SCHEDULED',
  'QUEUED',
  'RUNNING',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'STOPPED',
  'CANCELED',
  'TIMEOUT',
  'LOST',
] as const;
const jobStatusSchema = z.enum(JOB_STATUSES);
export type JobStatus = z.infer<typeof jobStatusSchema>;

/** An error as data: what `JobletError` says, without a stack. */
export const failureSchema = z.strictObject({
  kind: z.enum(['invalid', 'not_found', 'conflict', 'refused', 'exhausted', 'unavailable', 'internal']),
  layer: z.string(),
  operation: z.string(),
  object: z.string(),
  reason: z.string(),
  mend: z.string(),
});
export type Failure = z.infer<typeof failureSchema>;

/** Why a job did not start, or ended as it did. */
const jobFailureSchema = z.omit(failureSchema, { kind: true });

/** A job as a line of the list. */
const jobRowSchema = z.strictObject({
  uuid: uuidSchema,
  name: z.string(),
  /** Command and arguments for people, cut. */
  command: z.string(),
  status: jobStatusSchema,
  createdUs: timeSchema,
  startedUs: timeSchema,
  endedUs: timeSchema,
  /** When a scheduled job is started next. */
  dueUs: timeSchema,
  /** `key=value` */
  labels: z.array(z.string()),
  exitCode: z.nullable(z.int()),
});
export type JobRow = z.infer<typeof jobRowSchema>;

const reportLineSchema = z.strictObject({
  layer: z.string(),
  item: z.string(),
  asked: z.string(),
  kernel: z.string(),
  ok: z.boolean(),
});
export type ReportLine = z.infer<typeof reportLineSchema>;

const usageSchema = z.strictObject({
  cpuUserUs: z.number(),
  cpuSystemUs: z.number(),
  memoryPeakBytes: z.nullable(bytesSchema),
  pidsPeak: z.nullable(z.number()),
  oomKills: z.nullable(z.number()),
  pidsMaxHits: z.nullable(z.number()),
  cpuThrottledUs: z.nullable(z.number()),
  memoryHighHits: z.nullable(z.number()),
  memoryMaxHits: z.nullable(z.number()),
  ioReadBytes: z.nullable(bytesSchema),
  ioWrittenBytes: z.nullable(bytesSchema),
  cpuPressureUs: z.nullable(z.number()),
  memoryPressureUs: z.nullable(z.number()),
  ioPressureUs: z.nullable(z.number()),
  pausedUs: z.nullable(z.number()),
});

/** A run of the command that was followed by another. */
const attemptSchema = z.strictObject({
  startedUs: timeSchema,
  endedUs: timeSchema,
  status: jobStatusSchema,
  exitCode: z.nullable(z.int()),
});

/** A system call that the job's filter denies. */
const denialSchema = z.strictObject({
  call: z.string(),
  /** null until the job has ended. */
  count: z.nullable(z.number()),
  firstUs: timeSchema,
  /** What of the command line would let it reach the kernel; empty: nothing. */
  mend: z.string(),
});
export type Denial = z.infer<typeof denialSchema>;

/** All that the helper knows of a job. */
const jobDetailsSchema = z.extend(jobRowSchema, {
  /** Values of secrets are `***`. */
  spec: jobSpecSchema,
  waitingFor: z.string(),
  signal: z.nullable(z.int()),
  failure: z.nullable(jobFailureSchema),
  usage: z.nullable(usageSchema),
  denials: z.array(denialSchema),
  report: z.array(reportLineSchema),
  ownerUid: z.int(),
  nodeId: z.string(),
  logBytes: bytesSchema,
  /** What has become of output that the disk did not take in time, in words; empty: nothing. */
  logState: z.string(),
  /** Of its own, while it has any. */
  addresses: z.array(z.string()),
  /** Those before the present one. */
  attempts: z.array(attemptSchema),
});
export type JobDetails = z.infer<typeof jobDetailsSchema>;

/** One line for each job that was asked about: null = done. */
const bulkResultSchema = z.array(z.strictObject({ uuid: uuidSchema, failure: z.nullable(failureSchema) }));
const bulkRequestSchema = z.strictObject({
  uuids: z.array(uuidSchema).check(z.minLength(1), z.maxLength(100_000)),
});

/** How the app stands with the helper. */
const linkStateSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('connecting') }),
  z.strictObject({ state: z.literal('connected'), nodeId: z.string(), version: z.string() }),
  /** Nothing of Joblet was ever installed here; `command` is what root has to run once. */
  z.strictObject({ state: z.literal('not-installed'), command: z.string() }),
  z.strictObject({ state: z.literal('not-running') }),
  /** The app has asked for its start; the password prompt may be open. */
  z.strictObject({ state: z.literal('starting') }),
  z.strictObject({ state: z.literal('start-failed'), failure: failureSchema }),
  /** Certificates, uid or configuration: nothing mends itself by waiting. */
  z.strictObject({ state: z.literal('refused'), failure: failureSchema }),
  /** It is there and does not answer; it is asked again, and a start replaces it. */
  z.strictObject({ state: z.literal('silent'), failure: failureSchema }),
  /**
   * It answers, and is of another build than the app. `command` is what root has to run to replace it, once it is known that the
   * app can't.
   */
  z.strictObject({
    state: z.literal('other-version'),
    version: z.string(),
    nodeId: z.string(),
    command: z.nullable(z.string()),
  }),
  /** It was there, and went away; jobs go on. */
  z.strictObject({ state: z.literal('lost'), sinceUs: timeSchema }),
]);
export type LinkState = z.infer<typeof linkStateSchema>;

const logFilterSchema = z.enum(['both', 'stdout', 'stderr']);
const logPieceSchema = z.strictObject({
  /** Of the first byte, in the log of both streams. */
  offset: bytesSchema,
  timeUs: timeSchema,
  stream: z.enum(['stdout', 'stderr']),
  data: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
});
export type LogPiece = z.infer<typeof logPieceSchema>;

/** What there is to say at a place of a log: what is missing, or where it was kept. */
const logNoteSchema = z.strictObject({ offset: bytesSchema, text: z.string() });
export type LogNote = z.infer<typeof logNoteSchema>;

const logItemSchema = z.discriminatedUnion('kind', [
  /** `logBytes`: how long the log of both streams was by then. */
  z.extend(logPieceSchema, { kind: z.literal('data'), logBytes: bytesSchema }),
  /** The view could not keep up: these bytes are in the log and not shown. */
  z.strictObject({ kind: z.literal('skipped'), from: bytesSchema, to: bytesSchema }),
  z.extend(logNoteSchema, { kind: z.literal('note') }),
  /** The helper went away, or is back; the log goes on where it was. */
  z.strictObject({ kind: z.literal('interrupted') }),
  z.strictObject({ kind: z.literal('resumed') }),
]);
export type LogItem = z.infer<typeof logItemSchema>;

/** As grep(1) has it: an extended regular expression, or the text itself. */
const logPatternSchema = z.strictObject({
  text: z.string().check(z.minLength(1), z.maxLength(4096)),
  fixed: z.boolean(),
  ignoreCase: z.boolean(),
});
export type LogPattern = z.infer<typeof logPatternSchema>;

/** In what is searched. */
const logSearchSchema = z.strictObject({
  uuid: uuidSchema,
  stream: logFilterSchema,
  pattern: logPatternSchema,
});

/** Lines that match: how many, and of each part of the log how many, and where the first and the last of them begin. */
const logMatchesSchema = z.strictObject({
  bucketBytes: bytesSchema,
  total: countSchema,
  counts: z.custom<Uint32Array>((value) => value instanceof Uint32Array),
  firsts: z.custom<Float64Array>((value) => value instanceof Float64Array),
  lasts: z.custom<Float64Array>((value) => value instanceof Float64Array),
  /** How far the search has come in the log. */
  searchedBytes: bytesSchema,
  /** All is searched, and the log grows no more. */
  isOver: z.boolean(),
});
export type LogMatches = z.infer<typeof logMatchesSchema>;

/** Which end of a part is wanted, where there is more of it than is asked for. */
const edgeSchema = z.enum(['first', 'last']);

const terminalSizeSchema = z.strictObject({
  columns: z.int().check(z.minimum(1), z.maximum(1000)),
  rows: z.int().check(z.minimum(1), z.maximum(1000)),
});

const consoleItemSchema = z.discriminatedUnion('kind', [
  /** What is typed from now on is taken. */
  z.strictObject({ kind: z.literal('ready') }),
  z.strictObject({
    kind: z.literal('output'),
    data: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    /** From before it was opened: what it asks of a terminal was asked of another. */
    isPast: z.boolean(),
  }),
  /** The view could not keep up; the log has what is missing here. */
  z.strictObject({ kind: z.literal('skipped') }),
  /** The last; null: the job has ended, whose page says how. */
  z.strictObject({ kind: z.literal('ended'), exitCode: z.nullable(z.int()) }),
]);
export type ConsoleItem = z.infer<typeof consoleItemSchema>;

const inputItemSchema = z.discriminatedUnion('kind', [
  /** What is sent from now on is taken. */
  z.strictObject({ kind: z.literal('ready') }),
  /** Nobody reads it any more, or it was ended. */
  z.strictObject({ kind: z.literal('closed') }),
]);

/** Progress of a download, then what came of it. */
const downloadItemSchema = z.discriminatedUnion('kind', [
  /** No folder was chosen after all. */
  z.strictObject({ kind: z.literal('unwanted') }),
  z.strictObject({
    kind: z.literal('progress'),
    doneBytes: bytesSchema,
    totalBytes: bytesSchema,
    /** That are whole. */
    files: countSchema,
  }),
  z.strictObject({
    kind: z.literal('done'),
    folder: z.string(),
    files: countSchema,
    /** That were there already. */
    kept: countSchema,
    bytes: bytesSchema,
    /** The first of them. */
    leftOut: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
    allLeftOut: countSchema,
  }),
]);

/** The most of a log that is read at once. */
export const LOG_PART_BYTES = 1024 * 1024;

/** The most places of matches that are told at once: more than lines on any screen. */
export const LOG_PLACES = 500;

/** The most that one message to a console or an input may have. */
export const CONSOLE_MESSAGE_BYTES = 65_536;

const jobsItemSchema = z.discriminatedUnion('kind', [
  /** Forget what was told before: the whole list comes, newest first, then `complete`. */
  z.strictObject({ kind: z.literal('begin') }),
  z.strictObject({ kind: z.literal('rows'), rows: z.array(jobRowSchema) }),
  z.strictObject({ kind: z.literal('complete') }),
  z.strictObject({ kind: z.literal('changed'), rows: z.array(jobRowSchema) }),
  z.strictObject({ kind: z.literal('removed'), uuids: z.array(uuidSchema) }),
]);
export type JobsItem = z.infer<typeof jobsItemSchema>;

/** What each running job uses now, one line a job. */
const metricsSchema = z.array(
  z.strictObject({
    uuid: uuidSchema,
    /** 100 is one core. */
    cpuPercent: z.number().check(z.minimum(0)),
    /** null: this machine's kernel does not count it for jobs. */
    memoryBytes: z.nullable(bytesSchema),
    pids: z.nullable(countSchema),
  }),
);
export type Metrics = z.infer<typeof metricsSchema>;

/** What one job used at a moment: null where this machine's kernel does not count it. */
const usagePointSchema = z.strictObject({
  timeUs: timeSchema,
  /** 100 is one core. */
  cpuPercent: z.number().check(z.minimum(0)),
  memoryBytes: z.nullable(bytesSchema),
  pids: z.nullable(countSchema),
  /** Bytes a second. */
  ioRead: z.nullable(bytesSchema),
  ioWritten: z.nullable(bytesSchema),
  /** Percent of the time in which some process waited. */
  cpuPressure: z.nullable(z.number()),
  memoryPressure: z.nullable(z.number()),
  ioPressure: z.nullable(z.number()),
});
export type UsagePoint = z.infer<typeof usagePointSchema>;

/** The whole machine now. */
const machineSchema = z.strictObject({
  timeUs: timeSchema,
  /** Of each core, 0 … 100. */
  cores: z.array(z.number().check(z.minimum(0), z.maximum(100))),
  memory: z.strictObject({
    totalBytes: bytesSchema,
    availableBytes: bytesSchema,
    swapUsedBytes: bytesSchema,
  }),
  /** The file system that holds the jobs. */
  disk: z.strictObject({ path: z.string(), totalBytes: bytesSchema, freeBytes: bytesSchema }),
  /** Load average over 1, 5 and 15 minutes. */
  load: z.tuple([z.number(), z.number(), z.number()]),
  jobsRunning: countSchema,
});
export type Machine = z.infer<typeof machineSchema>;

/** What the logs of jobs take, and what is kept of them; null is no rule. */
const logUsageSchema = z.strictObject({
  diskBytes: bytesSchema,
  printedBytes: bytesSchema,
  logs: countSchema,
  /** Of the helper's configuration; after the end of a job, ms. */
  compressAfterMs: z.nullable(z.number()),
  jobBytes: z.nullable(bytesSchema),
  totalBytes: z.nullable(bytesSchema),
  keepDays: z.nullable(countSchema),
  keepJobs: z.nullable(countSchema),
});
export type LogUsage = z.infer<typeof logUsageSchema>;

export const settingsSchema = z.strictObject({
  theme: z._default(z.enum(['system', 'light', 'dark', 'contrast']), 'system'),
  /** Percent of the usual size. */
  scale: z._default(z.int().check(z.minimum(100), z.maximum(200)), 100),
  motion: z._default(z.enum(['system', 'reduced']), 'system'),
  /** Whether closing the window leaves the app in the tray while jobs run. */
  keepInTray: z._default(z.boolean(), true),
  notify: z._default(z.enum(['all', 'failures', 'none']), 'all'),
  /** Actions whose key the user has changed: action → key, such as `Ctrl+Shift+N`. */
  keys: z._default(z.record(z.string(), z.string().check(z.maxLength(64))), {}),
});
export type Settings = z.infer<typeof settingsSchema>;

export const presetNameSchema = z.string().check(z.minLength(1), z.maxLength(64));
const presetSchema = z.strictObject({ name: presetNameSchema, spec: jobSpecSchema });
export type Preset = z.infer<typeof presetSchema>;

const certificateSchema = z.strictObject({
  /** `client`, `authority`. */
  what: z.string(),
  subject: z.string(),
  notBeforeUs: timeSchema,
  notAfterUs: timeSchema,
  /** Empty when it is fit for use. */
  faults: z.array(z.string()),
});

const doctorSchema = z.array(
  z.strictObject({
    name: z.string(),
    available: z.boolean(),
    required: z.boolean(),
    found: z.string(),
    mend: z.string(),
  }),
);
export type DoctorChecks = z.infer<typeof doctorSchema>;

const volumeTypeSchema = z.enum(['filesystem', 'memory']);
const volumeSchema = z.strictObject({
  name: z.string(),
  type: volumeTypeSchema,
  sizeBytes: bytesSchema,
  /** null: not known. */
  usedBytes: z.nullable(bytesSchema),
  /** That use it and have not ended. */
  jobs: countSchema,
  /** Why jobs can't use it now; empty: they can. */
  fault: z.string(),
});

const networkSchema = z.strictObject({
  name: z.string(),
  /** Its ranges, and the host's interface; empty: none, or not chosen yet. */
  cidr: z.string(),
  prefix6: z.string(),
  bridge: z.string(),
  jobs: countSchema,
  builtIn: z.boolean(),
});

/** What a pasted `joblet job run …` or `docker run …` line means. */
const parsedLineSchema = z.strictObject({
  /** Secrets' values are not in it when the line names none. */
  spec: jobSpecSchema,
  /** What of the line has no counterpart here, a sentence each. */
  remarks: z.array(z.string()),
});

/** What the main process asks of the window: a notification was clicked, the tray's menu was used. */
const orderSchema = z.discriminatedUnion('order', [
  z.strictObject({ order: z.literal('open-job'), uuid: uuidSchema }),
  z.strictObject({
    order: z.literal('open-page'),
    page: z.enum(['jobs', 'new', 'machine', 'settings', 'doctor']),
  }),
]);
export type Order = z.infer<typeof orderSchema>;

interface Request {
  readonly request: z.ZodMiniType;
  readonly response: z.ZodMiniType;
}

interface Stream {
  readonly request: z.ZodMiniType;
  readonly item: z.ZodMiniType;
  /** Items that may be on their way to a window that has not asked for more. */
  readonly window: number;
}

const nothing = z.strictObject({});

export const REQUESTS = {
  'jobs.run': { request: z.strictObject({ spec: jobSpecSchema }), response: jobRowSchema },
  'jobs.stop': { request: bulkRequestSchema, response: bulkResultSchema },
  /** Of jobs that wait for a time. */
  'jobs.cancel': { request: bulkRequestSchema, response: bulkResultSchema },
  /** Goes on with the files that a job of the caller's own waits for; answers when they are on their way. */
  'jobs.upload': { request: z.strictObject({ uuid: uuidSchema }), response: nothing },
  'jobs.pause': { request: bulkRequestSchema, response: bulkResultSchema },
  'jobs.resume': { request: bulkRequestSchema, response: bulkResultSchema },
  'jobs.delete': { request: bulkRequestSchema, response: bulkResultSchema },
  /** @throws invalid: not such a line, or one that asks for what a job can't have. */
  'jobs.parse': {
    request: z.strictObject({ line: z.string().check(z.maxLength(1_000_000)) }),
    response: parsedLineSchema,
  },
  /** Asks where to, then writes the whole log there; `path` is null when nobody wanted it after all. */
  'log.save': {
    request: z.strictObject({ uuid: uuidSchema, stream: logFilterSchema }),
    response: z.strictObject({ path: z.nullable(z.string()) }),
  },
  /** What lies between two offsets: the first or the last so many bytes of it, or all. `logBytes` is 0 when there is nothing. */
  'log.read': {
    request: z.strictObject({
      uuid: uuidSchema,
      stream: logFilterSchema,
      from: bytesSchema,
      /** null: the end of the log. */
      to: z.nullable(bytesSchema),
      edge: edgeSchema,
      bytes: z.int().check(z.minimum(1), z.maximum(LOG_PART_BYTES)),
    }),
    response: z.strictObject({
      pieces: z.array(logPieceSchema),
      notes: z.array(logNoteSchema),
      isAll: z.boolean(),
      logBytes: bytesSchema,
    }),
  },
  /** Lines that match: those from `from` on and before `to`, then that which begins at `last`, of each range: all, or the first or last that are so many or some more. */
  'log.lines': {
    request: z.extend(logSearchSchema, {
      ranges: z
        .array(z.strictObject({ from: bytesSchema, to: bytesSchema, last: z.nullable(bytesSchema) }))
        .check(z.maxLength(256)),
      edge: edgeSchema,
      lines: z.int().check(z.minimum(1), z.maximum(1000)),
    }),
    response: z.strictObject({ pieces: z.array(logPieceSchema), isAll: z.boolean() }),
  },
  /** Of the lines from `from` on and before `to` that match: how many there are, where the first of them begin, and the last. */
  'log.count': {
    request: z.extend(logSearchSchema, { from: bytesSchema, to: bytesSchema }),
    response: z.strictObject({
      count: countSchema,
      places: z.array(bytesSchema).check(z.maxLength(LOG_PLACES)),
      last: z.nullable(bytesSchema),
    }),
  },
  /** Of the first byte that came then or later; null: there is none. */
  'log.find-time': {
    request: z.strictObject({ uuid: uuidSchema, stream: logFilterSchema, timeUs: timeSchema }),
    response: z.strictObject({ offset: z.nullable(bytesSchema) }),
  },
  'volumes.list': { request: nothing, response: z.array(volumeSchema) },
  'volumes.create': {
    request: z.strictObject({
      name: volumeNameSchema,
      type: volumeTypeSchema,
      sizeBytes: z.bigint().check(z.minimum(MIN_VOLUME_BYTES), z.maximum(MAX_VOLUME_BYTES)),
    }),
    response: nothing,
  },
  /** @throws conflict: a job that has not ended uses it. */
  'volumes.remove': { request: z.strictObject({ name: z.string() }), response: nothing },
  'networks.list': { request: nothing, response: z.array(networkSchema) },
  'networks.create': {
    request: z.strictObject({
      name: z.string().check(z.refine(isNetworkName, NETWORK_NAME_RULE)),
      cidr: z
        .string()
        .check(z.regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, 'must be a range such as 10.88.0.0/24')),
    }),
    response: nothing,
  },
  /** @throws conflict: a job uses it. */
  'networks.remove': { request: z.strictObject({ name: z.string() }), response: nothing },
  /** To a console or an input that is open. Resolves when there is room for more. */
  'console.type': {
    request: z.strictObject({
      console: uuidSchema,
      data: z.custom<Uint8Array>(
        (value) => value instanceof Uint8Array && value.length <= CONSOLE_MESSAGE_BYTES,
      ),
    }),
    response: nothing,
  },
  /** The job reads its end after what was sent before. */
  'input.end': { request: z.strictObject({ console: uuidSchema }), response: nothing },
  'console.resize': {
    request: z.strictObject({ console: uuidSchema, size: terminalSizeSchema }),
    response: nothing,
  },
  'presets.list': { request: nothing, response: z.array(presetSchema) },
  /** One of the same name is replaced. */
  'presets.save': { request: presetSchema, response: nothing },
  'presets.delete': { request: z.strictObject({ name: z.string() }), response: nothing },
  'settings.change': { request: settingsSchema, response: nothing },
  'certificates.list': {
    request: nothing,
    response: z.strictObject({ path: z.string(), certificates: z.array(certificateSchema) }),
  },
  /** Writes new ones and uses them. */
  'certificates.rotate': { request: z.strictObject({ authority: z.boolean() }), response: nothing },
  doctor: { request: nothing, response: doctorSchema },
  'logs.usage': { request: nothing, response: logUsageSchema },
  /** Asks for files, or for a folder, of this machine; none when nobody wanted any after all. */
  'paths.choose': {
    request: z.strictObject({ kind: z.enum(['files', 'folder']) }),
    response: z.array(z.string()),
  },
  'clipboard.write': {
    request: z.strictObject({ text: z.string().check(z.maxLength(16_000_000)) }),
    response: nothing,
  },
  /** Asks the person, showing the whole address, before a browser gets it; http and https only. */
  'address.open': {
    request: z.strictObject({ address: z.url().check(z.maxLength(4096)) }),
    response: nothing,
  },
  /** Starts the helper by the ways in which this machine lets its user become root; `link` tells what comes of it. */
  'helper.start': { request: nothing, response: nothing },
} as const satisfies Record<string, Request>;

export const STREAMS = {
  link: { request: nothing, item: linkStateSchema, window: 16 },
  settings: { request: nothing, item: settingsSchema, window: 2 },
  orders: { request: nothing, item: orderSchema, window: 16 },
  jobs: { request: nothing, item: jobsItemSchema, window: 4 },
  /** Once a second while somebody looks. */
  metrics: { request: nothing, item: metricsSchema, window: 1 },
  machine: { request: nothing, item: machineSchema, window: 1 },
  /** One job, anew at each change; ends when it was deleted. */
  job: { request: z.strictObject({ uuid: uuidSchema }), item: jobDetailsSchema, window: 2 },
  /** What one job has used from its start, then what it uses until its end. */
  usage: { request: z.strictObject({ uuid: uuidSchema }), item: z.array(usagePointSchema), window: 4 },
  /** The terminal of a running job, or a shell in it, which ends with this stream; `console` is the name that it gets. */
  console: {
    request: z.strictObject({
      uuid: uuidSchema,
      console: uuidSchema,
      what: z.enum(['job', 'shell']),
      size: terminalSizeSchema,
    }),
    item: consoleItemSchema,
    window: 4,
  },
  /** The open input of a job, until the job has ended: `console.type` writes to it. It stays open when this stream is left. */
  input: {
    request: z.strictObject({ uuid: uuidSchema, console: uuidSchema }),
    item: inputItemSchema,
    window: 2,
  },
  /** Asks for a folder, or takes the one of before, and downloads what a job has left; leaving the stream ends it, to go on later. */
  download: {
    request: z.strictObject({ uuid: uuidSchema, again: z.boolean() }),
    item: downloadItemSchema,
    window: 1,
  },
  /** The lines of a log that match, counted anew as it is searched, until the job has ended and all is searched. */
  'log.search': { request: logSearchSchema, item: logMatchesSchema, window: 1 },
  /** A log from an offset, or from where its last `tailBytes` begin, until the job has ended and all is sent. */
  log: {
    request: z.strictObject({
      uuid: uuidSchema,
      from: z.union([z.strictObject({ offset: bytesSchema }), z.strictObject({ tailBytes: bytesSchema })]),
      stream: logFilterSchema,
      /** Whether to jump ahead when the view is far behind the end. */
      maySkip: z.boolean(),
    }),
    item: logItemSchema,
    window: 4,
  },
} as const satisfies Record<string, Stream>;

export type RequestName = keyof typeof REQUESTS;
export type StreamName = keyof typeof STREAMS;
export type RequestPayload<Name extends RequestName> = z.infer<(typeof REQUESTS)[Name]['request']>;
export type Response<Name extends RequestName> = z.infer<(typeof REQUESTS)[Name]['response']>;
export type StreamPayload<Name extends StreamName> = z.infer<(typeof STREAMS)[Name]['request']>;
export type StreamItem<Name extends StreamName> = z.infer<(typeof STREAMS)[Name]['item']>;

/** What the window sends through the port of a stream: it has dealt with so many items. Closing the port ends the stream. */
export const creditSchema = z.strictObject({ more: z.int().check(z.minimum(1), z.maximum(1024)) });
