import { generateKeyPairSync, sign } from 'node:crypto';

/** A value of ASN.1 in its distinguished encoding. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const text = (tag: number, value: string): Buffer => der(tag, Buffer.from(value));

/** A certificate that signs itself, for `localhost`, and its key, as PEM. */
export function selfSigned(): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  // ecdsa-with-SHA256
  const algorithm = sequence(der(0x06, hex('2a8648ce3d040302')));
  const name = sequence(der(0x31, sequence(der(0x06, hex('550403')), text(0x0c, 'localhost'))));
  const always = sequence(text(0x17, '200101000000Z'), text(0x17, '491231235959Z'));
  const subject = publicKey.export({ type: 'spki', format: 'der' });
  // Version 3, the number 1.
  const head = [der(0xa0, hex('020102')), hex('020101')];
  const signed = sequence(...head, algorithm, name, always, name, subject);
  const signature = der(0x03, hex('00'), sign('sha256', signed, privateKey));
  const encoded = sequence(signed, algorithm, signature).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${encoded.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
