/**
 * The certificates of one installation: an authority of its own, the server's certificate, one for each client.
 * ECDSA P-256 throughout (ADR-006). Loaded only when certificates are made: the library takes memory that a helper at
 * rest does not need.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { SERVER_NAME, uriOfUid } from '../../api/certificates.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const AUTHORITY_YEARS = 10;
const LEAF_YEARS = 1;
/** A clock that ran ahead when a certificate was made, and is set right, must not lock its owner out. */
const BACKDATED_MS = 30 * 24 * 3_600_000;

export interface KeyPairPem {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a new authority. Every certificate of an earlier one becomes worthless. */
export async function createAuthority(nodeId: string): Promise<KeyPairPem> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: distinguishedName(`Joblet authority of ${nodeId}`, 'authority'),
    ...validity(AUTHORITY_YEARS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return exportPair(certificate, keys);
}

/** Makes the server's certificate. */
export function issueServer(
  authority: KeyPairPem,
  valid?: Validity,
  name: string = SERVER_NAME,
): Promise<KeyPairPem> {
  return issue(authority, {
    ...(valid && { valid }),
    subject: distinguishedName(name, 'server'),
    purpose: x509.ExtendedKeyUsage.serverAuth,
    name: { type: 'dns', value: name },
  });
}

/** Makes the certificate of one user; OU is the role (ADR-006). */
export function issueClient(authority: KeyPairPem, uid: number, valid?: Validity): Promise<KeyPairPem> {
  return issue(authority, {
    ...(valid && { valid }),
    subject: distinguishedName(`uid-${uid}`, 'admin'),
    purpose: x509.ExtendedKeyUsage.clientAuth,
    name: { type: 'url', value: uriOfUid(uid) },
  });
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface Leaf {
  /** A year from now, at most as long as the authority's own, unless said otherwise. */
  readonly valid?: Validity;
  readonly subject: x509.JsonName;
  readonly purpose: x509.ExtendedKeyUsage;
  readonly name: x509.JsonGeneralName;
}

async function issue(authority: KeyPairPem, leaf: Leaf): Promise<KeyPairPem> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: leaf.subject,
    issuer: issuer.subjectName,
    ...(leaf.valid ?? validity(LEAF_YEARS, issuer.notAfter)),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.purpose], true),
      new x509.SubjectAlternativeNameExtension([leaf.name]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return exportPair(certificate, keys);
}

function distinguishedName(commonName: string, unit: string): x509.JsonName {
  return [{ O: ['Joblet'] }, { OU: [unit] }, { CN: [commonName] }];
}

function validity(years: number, atMost?: Date): Validity {
  const notAfter = new Date();
  const notBefore = new Date(notAfter.getTime() - BACKDATED_MS);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years);
  return { notBefore, notAfter: atMost !== undefined && atMost < notAfter ? atMost : notAfter };
}

/** RFC 5280 4.1.2.2: positive, at most 20 bytes; random, so that two authorities never give the same. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(Buffer.alloc(16));
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, false, ['sign']);
}

async function exportPair(
  certificate: x509.X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<KeyPairPem> {
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag)}\n`,
  };
}
