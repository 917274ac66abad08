/** What a kernel may lack for a test here to mean anything. */
import { landlockAbi } from '../../native-helper/kernel/system-call.ts';

export function lacksScopes(): string | undefined {
  return landlockAbi() < 6 ? 'Landlock has no scopes before Linux 6.12' : undefined;
}

export function lacksPorts(): string | undefined {
  return landlockAbi() < 4 ? 'Landlock has no TCP ports before Linux 6.7' : undefined;
}
