import type { RequestPayload } from '../../src-main/ipc/contract.ts';

/** What a job is asked to be: the one shape of it that the schema lets through. */
export type CheckedJobSpec = RequestPayload<'jobs.run'>['spec'];
