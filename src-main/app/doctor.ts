/** What this machine gives to jobs, for the page that tells of it. */
import { examine } from '../cli/examination.ts';
import type { DoctorChecks } from '../ipc/contract.ts';
import type { Link } from './link.ts';

export async function examineMachine(link: Link, signal: AbortSignal): Promise<DoctorChecks> {
  const { checks } = await examine(async () => link.client.helper.doctor({}, { signal }));
  return [...checks];
}
