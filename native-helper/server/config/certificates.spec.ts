import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CertificatePurpose, findCertificateFaults, uidOfCertificate } from '../../api/certificates.ts';
import { createAuthority, issueClient, issueServer, type KeyPairPem } from './authority.ts';

const YEAR_MS = 366 * 86_400_000;

let authority: KeyPairPem;
let other: KeyPairPem;
let server: KeyPairPem;
let client: KeyPairPem;
beforeAll(async () => {
  authority = await createAuthority('here');
  other = await createAuthority('here');
  server = await issueServer(authority);
  client = await issueClient(authority, 1000);
});

const faults = (pair: KeyPairPem, purpose: CertificatePurpose, by: KeyPairPem = authority, now?: number) =>
  findCertificateFaults(
    { certificate: pair.certificate, key: pair.key, authority: by.certificate },
    purpose,
    now,
  ).map(({ object, reason }) => `${object} ${reason}`);

describe('findCertificateFaults', () => {
  it('finds none in what the helper makes', () => {
    expect(faults(server, 'server')).toEqual([]);
    expect(faults(client, 'client')).toEqual([]);
  });
  it('tells an expired certificate', () => {
    expect(faults(client, 'client', authority, Date.now() + YEAR_MS)).toEqual([
      expect.stringMatching(/^certificate expired on 20/),
    ]);
  });
  it('tells an expired authority', () => {
    expect(faults(client, 'client', authority, Date.now() + 11 * YEAR_MS)).toContainEqual(
      expect.stringMatching(/^authority expired on 20/),
    );
  });
  it('tells a certificate that is not valid yet', () => {
    expect(faults(client, 'client', authority, Date.now() - YEAR_MS)[0]).toMatch(/is not valid before 20/);
  });
  it("tells a server's certificate used by a client, and the other way round", () => {
    expect(faults(server, 'client')[0]).toContain("is a server's certificate");
    expect(faults(client, 'server')[0]).toContain("is a client's certificate");
  });
  it('tells the key of another certificate', () => {
    expect(faults({ ...client, key: server.key }, 'client')).toEqual([
      'key is the key of another certificate',
    ]);
  });
  it('tells a certificate of another authority of the same name', () => {
    expect(faults(client, 'client', other)).toEqual([
      'certificate was not issued by the authority in this file',
    ]);
  });
  it('tells an authority that is none', () => {
    expect(faults(client, 'client', server)).toContain('authority is not the certificate of an authority');
  });
  it('tells what is no certificate and what is no key, without quoting it', () => {
    const nonsense = '-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n';
    expect(faults({ ...client, certificate: nonsense }, 'client')[0]).toMatch(
      /^certificate is not an X\.509/,
    );
    expect(faults({ ...client, key: nonsense }, 'client')).toEqual(['key is not a private key']);
  });
});

describe('uidOfCertificate', () => {
  it.each([0, 1, 1000, 65_534, 4_294_967_294])('knows uid %d again', async (uid) => {
    const { certificate } = await issueClient(authority, uid);
    expect(uidOfCertificate(new X509Certificate(certificate))).toBe(uid);
  });
  it("finds none in a server's certificate", () => {
    expect(uidOfCertificate(new X509Certificate(server.certificate))).toBeUndefined();
  });
});
