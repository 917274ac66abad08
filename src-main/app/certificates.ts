/** The certificates that the app shows itself to the helper with, as they stand in its configuration. */
import { X509Certificate } from 'node:crypto';
import type { CertificateFault } from '../../native-helper/api/certificates.ts';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import {
  certificateFaultsOf,
  loadConfig,
  ownSurroundings,
  placesOfConfig,
  selectNode,
} from '../client/index.ts';
import type { Response } from '../ipc/contract.ts';

type Listed = Response<'certificates.list'>;

/** @throws JobletError when there is no configuration, or one that is unsafe to read. */
export function listCertificates(root: string): Listed {
  const surroundings = ownSurroundings();
  const loaded = loadConfig(placesOfConfig(undefined, pathsUnder(root), surroundings), surroundings.uid);
  const node = selectNode(loaded);
  const faults = certificateFaultsOf(node, surroundings.uid);
  const isOfAuthority = ({ object }: CertificateFault) => object === 'authority';
  return {
    path: loaded.path,
    certificates: [
      {
        what: 'client',
        ...shown(node.cert),
        faults: faults.filter((fault) => !isOfAuthority(fault)).map(words),
      },
      { what: 'authority', ...shown(node.ca), faults: faults.filter(isOfAuthority).map(words) },
    ],
  };
}

function words({ object, reason }: CertificateFault): string {
  return `The ${object} ${reason}.`;
}

/** One that can't be read has no times; its faults say why. */
function shown(pem: string) {
  try {
    const { subject, validFromDate, validToDate } = new X509Certificate(pem);
    return {
      subject: subject.replaceAll('\n', ', '),
      notBeforeUs: validFromDate.getTime() * 1000,
      notAfterUs: validToDate.getTime() * 1000,
    };
  } catch {
    return { subject: '', notBeforeUs: 0, notAfterUs: 0 };
  }
}
