/** A helper whose jobs can be told from everything else on the machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

/** No user of this machine: whatever belongs to it is a job's. */
export const JOBS_UID = 2_000_000_011;

/** TEST-NET-1 (RFC 5737): no job gets an answer, but none is refused for want of a name server. */
const RESOLVER = '192.0.2.53';

/**
 * The configuration is made by the first start; the jobs' uid is set for the second.
 *
 * @param jobs more of the configuration's field `jobs`
 */
export async function startConfigured(jobs: Readonly<Record<string, number>> = {}): Promise<RunningHelper> {
  const helper = await RunningHelper.start();
  await helper.stop();
  const { serverConfig } = pathsUnder(helper.root);
  const config = parseDocument(readFileSync(serverConfig, 'utf8'));
  for (const [name, value] of Object.entries({ ...jobs, user: JOBS_UID, group: JOBS_UID })) {
    config.setIn(['jobs', name], value);
  }
  config.setIn(['networks', 'resolvers'], [RESOLVER]);
  writeFileSync(serverConfig, String(config));
  await helper.startAgain();
  return helper;
}

/** The folder of the jobs' cgroups. */
export async function cgroupOf(helper: RunningHelper): Promise<string> {
  const client = await helper.connect();
  try {
    const { cgroup } = await client.helper.getStatus({});
    return cgroup;
  } finally {
    client.close();
  }
}
