/** `report.json`: what the kernel says of a job's isolation, read back by its monitor. */
import { create } from '@bufbuild/protobuf';
import { causeOf } from '../../api/errors.ts';
import { type ReportLine, ReportLineSchema } from '../../api/gen/joblet_pb.js';
import * as z from '../../api/schema.ts';

const words = z.string().check(z.maxLength(8192));

export const reportSchema = z.strictObject({
  version: z.literal(1),
  job: z.uuid(),
  lines: z
    .array(
      z.strictObject({
        layer: z.string().check(z.maxLength(64)),
        item: words,
        asked: words,
        kernel: words,
        ok: z.boolean(),
      }),
    )
    .check(z.maxLength(65_536)),
});

export type Report = z.infer<typeof reportSchema>;

/** The lines for whoever asks for the job; a report that can't be read is a line of its own, and no reason to hide the job. */
export function reportLines(folder: { readReport(): Report | undefined }): ReportLine[] {
  try {
    return (folder.readReport()?.lines ?? []).map((line) => create(ReportLineSchema, line));
  } catch (error) {
    const unreadable = {
      layer: 'report',
      item: 'report.json',
      asked: 'readable',
      kernel: causeOf(error),
      ok: false,
    };
    return [create(ReportLineSchema, unreadable)];
  }
}
