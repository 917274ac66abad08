/** `report.json`: what the kernel says of a job's isolation, read back by its monitor. */
import { z } from 'zod';

const words = z.string().max(8192);

export const reportSchema = z.strictObject({
  version: z.literal(1),
  job: z.uuid(),
  lines: z
    .array(
      z.strictObject({
        layer: z.string().max(64),
        item: words,
        asked: words,
        kernel: words,
        ok: z.boolean(),
      }),
    )
    .max(65_536),
});

export type Report = z.infer<typeof reportSchema>;
