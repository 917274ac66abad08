/** What a monitor says on its sockets: one JSON object a line (docs/monitor-protocol.md). */
import * as z from '../../api/schema.ts';
import { deniedCallFields, exitFields, logStateFields } from './exit-record.ts';

/** The longest line a monitor can have cause to write; its error texts are bounded at 8 KiB each. */
export const LINE_BYTES_MAXIMUM = 64 * 1024;

const processId = z.int().check(z.minimum(1));

const helloSchema = z.strictObject({
  event: z.literal('hello'),
  /** The version of the protocol; 2 knows sessions and pauses, 3 overflow of the log. */
  monitor: z.int().check(z.minimum(1), z.maximum(3)),
  build: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  job: z.uuid(),
  pid: processId,
  phase: z.enum(['starting', 'running', 'ended']),
});

const runningSchema = z.strictObject({
  event: z.literal('running'),
  init_pid: processId,
  started_us: z.int().check(z.minimum(0)),
  paused: z._default(z.boolean(), false),
});

const pausedSchema = z.strictObject({ event: z.literal('paused') });
const resumedSchema = z.strictObject({ event: z.literal('resumed') });
/** The first denial of a call; again to each new connection. */
const deniedSchema = z.strictObject({ event: z.literal('denied'), ...deniedCallFields });

/** Of each step, and while output is lost every few seconds; again to each new connection unless all is as usual. */
const logSchema = z.strictObject({ event: z.literal('log'), ...logStateFields });

const exitedSchema = z.strictObject({
  event: z.literal('exited'),
  version: z.literal(1),
  job: z.uuid(),
  ...exitFields,
});

const monitorMessageSchema = z.discriminatedUnion('event', [
  helloSchema,
  runningSchema,
  pausedSchema,
  resumedSchema,
  deniedSchema,
  logSchema,
  exitedSchema,
]);

export type MonitorMessage = z.infer<typeof monitorMessageSchema>;

/** Cuts a stream of bytes into lines, and holds no more of an unfinished one than a line may have. */
export class LineReader {
  #unfinished: Buffer = Buffer.alloc(0);

  /**
   * @returns the lines that `bytes` completes, without their line feeds.
   * @throws RangeError when a line is longer than LINE_BYTES_MAXIMUM.
   */
  read(bytes: Buffer): string[] {
    const lines: string[] = [];
    let rest = this.#unfinished.length === 0 ? bytes : Buffer.concat([this.#unfinished, bytes]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      lines.push(rest.toString('utf8', 0, refuseLong(end)));
      rest = rest.subarray(end + 1);
    }
    refuseLong(rest.length);
    this.#unfinished = Buffer.from(rest);
    return lines;
  }
}

function refuseLong(length: number): number {
  if (length > LINE_BYTES_MAXIMUM) {
    throw new RangeError(`a line of more than ${LINE_BYTES_MAXIMUM} bytes`);
  }
  return length;
}

/** @throws $ZodError or SyntaxError when the line is not what a monitor of this version says. */
export function parseMonitorMessage(line: string): MonitorMessage {
  return monitorMessageSchema.parse(JSON.parse(line));
}
