/**
 * The bytes of base64 in the standard alphabet, padded, with nothing else in it (RFC 4648 §4); undefined for all other texts
 * and for none. Node's own decoder takes anything, so that one signature or hash could be written in many ways.
 */
export function base64Bytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined;
}
