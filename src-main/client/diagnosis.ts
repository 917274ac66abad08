/** What is wrong with a node's certificates, found before anything is sent. */
import { X509Certificate } from 'node:crypto';
import { findCertificateFaults, uidOfCertificate } from '../../native-helper/api/certificates.ts';
import type { ClientNode } from '../../native-helper/api/config-schema.ts';
import { JobletError } from '../../native-helper/api/errors.ts';

/** @returns one line a fault; empty when the helper will take these certificates from this uid. */
export function faultsOfNode({ cert, key, ca }: ClientNode, uid: number): string[] {
  const faults = findCertificateFaults({ certificate: cert, key, authority: ca }, 'client');
  if (faults.length > 0) {
    return faults.map(({ object, reason }) => `the ${object} ${reason}`);
  }
  const certified = uidOfCertificate(new X509Certificate(cert));
  return certified === uid ? [] : [`the certificate is for uid ${certified}, you are uid ${uid}`];
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
      mend: 'Restart the helper, which makes new ones for its users (`joblet helper stop`, `joblet helper start`).',
    });
  }
}
