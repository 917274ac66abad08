/** What the runner tells the tests, which run as another user, in their environment. */
import * as z from '../../native-helper/api/schema.ts';

const schema = z.object({
  /** Folder that everything of the helper lies under. */
  JOBLET_E2E_ROOT: z.string(),
  /** Path of the socket over which root takes orders. */
  JOBLET_E2E_CONTROL: z.string(),
  /** Folder that holds the Electron of the run. */
  ELECTRON_OVERRIDE_DIST_PATH: z.string(),
  DISPLAY: z.string(),
  HOME: z.string(),
});

export type Surroundings = z.infer<typeof schema>;

/** @throws Error when the tests were started without their runner. */
export function surroundings(): Surroundings {
  const { success, data } = schema.safeParse(process.env);
  if (!success) {
    throw new Error('these tests need their runner: npm run e2e');
  }
  return data;
}
