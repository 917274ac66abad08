/**
 * What makes a certificate of Joblet usable: checked by the helper at start, by clients before they connect, and by
 * `joblet config check`. RFC 5280; the uid stands in a subject alternative name of type URI.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { causeOf } from './errors.ts';

/** The name that the server's certificate is for, whatever socket it is reached by. */
export const SERVER_NAME = 'joblet-helper';

/** id-kp-serverAuth and id-kp-clientAuth, RFC 5280 4.2.1.12. */
const PURPOSE_OID = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

export type CertificatePurpose = keyof typeof PURPOSE_OID;

/** One side's certificates as they stand in its configuration: PEM. */
export interface CertificateSet {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export interface CertificateFault {
  /** Which of the three: `certificate`, `key` or `authority`. */
  readonly object: keyof CertificateSet;
  /** In words that follow the object. */
  readonly reason: string;
}

/** `joblet:uid:1000`, the name that binds a client's certificate to one user. */
export function uriOfUid(uid: number): string {
  return `joblet:uid:${uid}`;
}

/** The uid that a client's certificate was made for; undefined when it names none, or more than one. */
export function uidOfCertificate(certificate: X509Certificate): number | undefined {
  const names = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:'));
  const uid =
    names.length === 1 ? /^URI:joblet:uid:(0|[1-9]\d{0,9})$/.exec(names[0] as string)?.[1] : undefined;
  return uid === undefined ? undefined : Number(uid);
}

/**
 * Everything that is wrong with one side's certificates, in the order in which it should be mended; empty when nothing
 * is.
 *
 * @param now milliseconds since the epoch
 */
export function findCertificateFaults(
  set: CertificateSet,
  purpose: CertificatePurpose,
  now: number = Date.now(),
): CertificateFault[] {
  const certificate = parseCertificate(set.certificate);
  const authority = parseCertificate(set.authority);
  if (typeof certificate === 'string' || typeof authority === 'string') {
    return [
      ...(typeof certificate === 'string' ? [{ object: 'certificate', reason: certificate } as const] : []),
      ...(typeof authority === 'string' ? [{ object: 'authority', reason: authority } as const] : []),
    ];
  }
  const faults: [keyof CertificateSet, string | undefined][] = [
    ['certificate', validityFault(certificate, now)],
    ['certificate', purposeFault(certificate, purpose)],
    ['certificate', purpose === 'client' ? uidFault(certificate) : nameFault(certificate)],
    ['key', keyFault(certificate, set.key)],
    ['authority', validityFault(authority, now)],
    ['authority', authority.ca ? undefined : 'is not the certificate of an authority'],
    ['certificate', chainFault(certificate, authority)],
  ];
  return faults.flatMap(([object, reason]) => (reason === undefined ? [] : [{ object, reason }]));
}

function parseCertificate(pem: string): X509Certificate | string {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    return `is not an X.509 certificate (${causeOf(error)})`;
  }
}

function validityFault(certificate: X509Certificate, now: number): string | undefined {
  if (now > certificate.validToDate.getTime()) {
    return `expired on ${certificate.validToDate.toISOString()}`;
  }
  if (now < certificate.validFromDate.getTime()) {
    return `is not valid before ${certificate.validFromDate.toISOString()}; is this machine's clock right?`;
  }
  return undefined;
}

function purposeFault(certificate: X509Certificate, purpose: CertificatePurpose): string | undefined {
  // Node calls the extended key usage keyUsage.
  const purposes: readonly string[] = certificate.keyUsage ?? [];
  if (purposes.includes(PURPOSE_OID[purpose])) {
    return undefined;
  }
  const other = purpose === 'client' ? 'server' : 'client';
  return purposes.includes(PURPOSE_OID[other])
    ? `is a ${other}'s certificate; a ${purpose}'s is needed here`
    : `does not say that it is for a ${purpose}`;
}

function uidFault(certificate: X509Certificate): string | undefined {
  return uidOfCertificate(certificate) === undefined ? 'does not name the one uid that it is for' : undefined;
}

/** In words that follow `certificate`; undefined when it is the helper's. */
export function nameFault(certificate: X509Certificate): string | undefined {
  return certificate.checkHost(SERVER_NAME) === undefined ? `is not for the name ${SERVER_NAME}` : undefined;
}

function keyFault(certificate: X509Certificate, key: string): string | undefined {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
      ? undefined
      : 'is the key of another certificate';
  } catch {
    // The cause may quote the key.
    return 'is not a private key';
  }
}

function chainFault(certificate: X509Certificate, authority: X509Certificate): string | undefined {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
    ? undefined
    : 'was not issued by the authority in this file';
}
