/**
 * The configurations of one installation: made at the first start, read and checked at every other, and given new
 * certificates on request (ADR-006).
 */
import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { type Document, parseDocument, stringify } from 'yaml';
import {
  type CertificatePurpose,
  type CertificateSet,
  findCertificateFaults,
} from '../../api/certificates.ts';
import {
  type ClientConfig,
  clientConfigSchema,
  type ServerConfig,
  serverConfigSchema,
} from '../../api/config-schema.ts';
import { parseConfig } from '../../api/config-text.ts';
import { JobletError } from '../../api/errors.ts';
import { clientConfigOf, type Paths } from '../../api/paths.ts';
import { readSecretFile } from '../../api/secret-file.ts';
import type { KeyPairPem } from './authority.ts';
import { writeSecretFile } from './secret-file.ts';

const ROOT_UID = 0;
/** What expires sooner than this is renewed at the next start. */
const RENEW_BEFORE_MS = 30 * 24 * 3_600_000;

export interface Rotation {
  /** Every file that was written. */
  readonly paths: string[];
  /** When the caller's new certificate expires. */
  readonly clientNotAfter: Date;
}

export class Installation {
  readonly #paths: Paths;
  #config: ServerConfig;
  #last: Promise<void> = Promise.resolve();

  private constructor(paths: Paths, config: ServerConfig) {
    this.#paths = paths;
    this.#config = config;
  }

  /**
   * Reads the server's configuration, or makes it with a new authority; then makes the client configurations that are
   * missing, and anew what is about to expire. The folders must have been prepared.
   *
   * @param elevatedBy the uid that started us through sudo or pkexec. It is listed, so that it is still allowed when
   * another user starts the next helper.
   * @throws JobletError that says what is wrong with the file or its certificates, and the mend.
   */
  static async open(paths: Paths, elevatedBy?: number): Promise<Installation> {
    const text = readSecretFile(paths.serverConfig, ROOT_UID);
    const config = text === undefined ? await createConfig(paths, elevatedBy) : loadConfig(paths, text);
    const installation = new Installation(paths, config);
    if (elevatedBy !== undefined) {
      installation.#allow(elevatedBy);
    }
    await installation.#renewServer();
    await installation.#renewClients();
    return installation;
  }

  get config(): ServerConfig {
    return this.#config;
  }

  /** Root and those listed. */
  get allowedUids(): ReadonlySet<number> {
    return new Set([ROOT_UID, ...this.#config.allowed_uids]);
  }

  /** Makes a new certificate for one allowed uid; its old one stays good until it expires. */
  rotateClient(uid: number): Promise<Rotation> {
    return this.#oneAtATime(async () => {
      const pair = await this.#issueClient(uid);
      return { paths: [clientConfigOf(this.#paths, uid)], clientNotAfter: expiryOf(pair) };
    });
  }

  /**
   * Makes a new authority and all certificates anew: every old one is worthless from then on. The server's file comes
   * first; if we die in between, the next start sees that the clients' certificates are of another authority.
   *
   * @param uid the caller, whose expiry is told.
   */
  rotateAuthority(uid: number): Promise<Rotation> {
    return this.#oneAtATime(async () => {
      const { createAuthority } = await loadAuthority();
      this.#replaceSecurity(await createSecurity(await createAuthority(this.#config.node_id)));
      const paths = [this.#paths.serverConfig];
      let clientNotAfter = new Date(0);
      for (const each of this.allowedUids) {
        const expiry = expiryOf(await this.#issueClient(each));
        paths.push(clientConfigOf(this.#paths, each));
        clientNotAfter = each === uid ? expiry : clientNotAfter;
      }
      return { paths, clientNotAfter };
    });
  }

  /** Two rotations at once would leave certificates of an authority that is already gone. */
  #oneAtATime<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action);
    this.#last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  #allow(uid: number): void {
    if (this.allowedUids.has(uid)) {
      return;
    }
    const uids = [...this.#config.allowed_uids, uid];
    this.#editFile((document) => {
      if (document.has('allowed_uids')) {
        document.addIn(['allowed_uids'], uid);
      } else {
        document.set('allowed_uids', uids);
      }
    });
    this.#config = { ...this.#config, allowed_uids: uids };
  }

  #replaceSecurity(security: ServerConfig['security']): void {
    this.#editFile((document) => document.set('security', security));
    this.#config = { ...this.#config, security };
  }

  /**
   * Changes the file as it is now and keeps its comments, which an administrator may have written since we read it.
   *
   * @throws JobletError (refused) instead of writing what the next start would not read.
   */
  #editFile(edit: (document: Document) => void): void {
    const { serverConfig } = this.#paths;
    const document = parseDocument(readSecretFile(serverConfig, ROOT_UID) ?? stringify(this.#config));
    edit(document);
    const text = document.toString();
    parseConfig(text, serverConfigSchema, serverConfig);
    writeSecretFile(serverConfig, text, ROOT_UID);
  }

  async #renewServer(): Promise<void> {
    const { ca_certificate, ca_key, certificate, key } = this.#config.security;
    const set = { certificate, key, authority: ca_certificate };
    if (findCertificateFaults(set, 'server', Date.now() + RENEW_BEFORE_MS).length > 0) {
      this.#replaceSecurity(await createSecurity({ certificate: ca_certificate, key: ca_key }));
    }
  }

  async #renewClients(): Promise<void> {
    for (const uid of this.allowedUids) {
      if (!this.#hasUsableClient(uid)) {
        await this.#issueClient(uid);
      }
    }
  }

  /** A file in our own folder that is damaged, expired or of an authority that is gone helps nobody. */
  #hasUsableClient(uid: number): boolean {
    const path = clientConfigOf(this.#paths, uid);
    try {
      const text = readSecretFile(path, uid);
      if (text === undefined) {
        return false;
      }
      const nodes = Object.values(parseConfig(text, clientConfigSchema, path).nodes);
      const authority = this.#config.security.ca_certificate;
      return nodes.every(
        ({ cert, key, ca }) =>
          ca === authority &&
          findCertificateFaults({ certificate: cert, key, authority }, 'client', Date.now() + RENEW_BEFORE_MS)
            .length === 0,
      );
    } catch {
      return false;
    }
  }

  async #issueClient(uid: number): Promise<KeyPairPem> {
    const { issueClient } = await loadAuthority();
    const { ca_certificate, ca_key } = this.#config.security;
    const pair = await issueClient({ certificate: ca_certificate, key: ca_key }, uid);
    const config: ClientConfig = {
      version: 1,
      nodes: {
        [this.#config.node_id]: {
          address: `unix://${this.#paths.socket}`,
          nodeId: this.#config.node_id,
          isDefault: true,
          cert: pair.certificate,
          key: pair.key,
          ca: ca_certificate,
        },
      },
    };
    const title = `# Joblet's configuration of uid ${uid}: it holds a private key. Made by the helper; see docs/configuration.md.\n`;
    writeSecretFile(clientConfigOf(this.#paths, uid), title + stringify(config), uid);
    return pair;
  }
}

async function createConfig(paths: Paths, elevatedBy: number | undefined): Promise<ServerConfig> {
  const { createAuthority } = await loadAuthority();
  const nodeId = nodeIdOfMachine();
  const config = serverConfigSchema.parse({
    version: 1,
    node_id: nodeId,
    allowed_uids: elevatedBy === undefined || elevatedBy === ROOT_UID ? [] : [elevatedBy],
    security: await createSecurity(await createAuthority(nodeId)),
  });
  const title = "# The Joblet helper's configuration: it holds private keys. See docs/configuration.md.\n";
  writeSecretFile(paths.serverConfig, title + stringify(config), ROOT_UID);
  return config;
}

/** Makes a certificate for the server. */
async function createSecurity(authority: KeyPairPem): Promise<ServerConfig['security']> {
  const { issueServer } = await loadAuthority();
  const server = await issueServer(authority);
  return {
    ca_certificate: authority.certificate,
    ca_key: authority.key,
    certificate: server.certificate,
    key: server.key,
  };
}

function loadConfig(paths: Paths, text: string): ServerConfig {
  const config = parseConfig(text, serverConfigSchema, paths.serverConfig);
  const { ca_certificate, ca_key, certificate, key } = config.security;
  refuseFaults(paths.serverConfig, { certificate, key, authority: ca_certificate }, 'server');
  // The authority is its own issuer; only its key can differ.
  const fault = findCertificateFaults(
    { certificate: ca_certificate, key: ca_key, authority: ca_certificate },
    'server',
  ).find(({ object }) => object === 'key');
  if (fault !== undefined) {
    throw unusable(paths.serverConfig, `the authority's key ${fault.reason}`);
  }
  return config;
}

function refuseFaults(file: string, set: CertificateSet, purpose: CertificatePurpose): void {
  const faults = findCertificateFaults(set, purpose);
  if (faults.length > 0) {
    throw unusable(file, faults.map(({ object, reason }) => `the ${object} ${reason}`).join('; '));
  }
}

function unusable(file: string, reason: string): JobletError {
  return new JobletError('refused', {
    layer: 'config',
    operation: 'check certificates',
    object: file,
    reason,
    mend: 'Move the file away and start the helper again: it makes new certificates for all.',
  });
}

/** The machine's name as far as it can be a node's id. */
function nodeIdOfMachine(): string {
  return (
    hostname()
      .replace(/[^a-zA-Z0-9._-]/g, '-')
      .slice(0, 64) || 'joblet'
  );
}

function expiryOf(pair: KeyPairPem): Date {
  return new X509Certificate(pair.certificate).validToDate;
}

function loadAuthority(): Promise<typeof import('./authority.ts')> {
  return import('./authority.ts');
}
