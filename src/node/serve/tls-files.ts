import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { messageOf, UserError } from '../../common/errors.js';
import { printable } from '../../common/printable.js';
import { explainFileError } from '../files/files.js';
import type { CompleteSettings } from './settings.js';

/**
 * The certificate that a server speaks TLS with, and its key; undefined where it does not.
 * @throws UserError where a file cannot be read, or both cannot be used
 */
export async function tlsOf({
  tlsCert,
  tlsKey,
}: Pick<CompleteSettings, 'tlsCert' | 'tlsKey'>): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const read = (path: string): Promise<Buffer> =>
    readFile(path).catch((error: unknown) => {
      throw explainFileError(error, 'read', path);
    });
  const [cert, key] = [await read(tlsCert), await read(tlsKey)];
  const [certName, keyName] = [printable(tlsCert, 4096), printable(tlsKey, 4096)];
  const certificate = usable(() => new X509Certificate(cert), `${certName} is no certificate in PEM`);
  const privateKey = usable(() => createPrivateKey(key), `${keyName} is no private key in PEM without a passphrase`);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new UserError(`The key ${keyName} does not belong to the certificate ${certName}; give its own.`, 'usage');
  }
  // Such as one that is too short.
  usable(() => createSecureContext({ cert, key }), `${certName} and ${keyName} cannot be used for TLS`);
  return { cert, key };
}

function usable<T>(make: () => T, otherwise: string): T {
  try {
    return make();
  } catch (error) {
    const sentence = `${otherwise} (${printable(messageOf(error), 200)}); give a certificate and its key as PEM.`;
    throw new UserError(sentence, 'usage', { cause: error });
  }
}
