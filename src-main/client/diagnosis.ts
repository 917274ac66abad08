/** What is wrong with a node's certificates, found before anything is sent. */
import { X509Certificate } from 'node:crypto';
import {
  type CertificateFault,
  findCertificateFaults,
  uidOfCertificate,
} from '../../native-helper/api/certificates.ts';
import type { ClientNode } from '../../native-helper/api/config-schema.ts';
import { JobletError } from '../../native-helper/api/errors.ts';

/** Empty when the helper will take these certificates from this uid. */
export function certificateFaultsOf({ cert, key, ca }: ClientNode, uid: number): CertificateFault[] {
  const faults = findCertificateFaults({ certificate: cert, key, authority: ca }, 'client');
  if (faults.length > 0) {
    return faults;
  }
  const certified = uidOfCertificate(new X509Certificate(cert));
  return certified === uid
    ? []
    : [{ object: 'certificate', reason: `is for uid ${certified}, you are uid ${uid}` }];
}

/** @returns one line a fault. */
export function faultsOfNode(node: ClientNode, uid: number): string[] {
  return certificateFaultsOf(node, uid).map(({ object, reason }) => `the ${object} ${reason}`);
}

/** @throws JobletError (refused) that names every fault. */
export function refuseFaults(node: ClientNode, uid: number, path: string): void {
  const faults = faultsOfNode(node, uid);
  if (faults.length > 0) {
    throw new JobletError('refused', {
      layer: 'config',
      operation: 'check certificates',
      object: path,
      reason: faults.join('; '),
      mend: 'Start the helper again with `joblet helper start`: it makes new ones for its users.',
    });
  }
}
