/** The FIN bit, and the opcode of a text frame. */
const WHOLE_TEXT = 0x81;
const SHORT_MOST = 125;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;
const MEDIUM_MOST = 0xffff;

/**
 * A server's text message as a WebSocket frame (RFC 6455, section 5.2), in one buffer; `ws` writes the header and the
 * payload as two. Only for sockets without extensions, as ours are.
 */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const head = bytes <= SHORT_MOST ? 2 : bytes <= MEDIUM_MOST ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + bytes);
  frame[0] = WHOLE_TEXT;
  if (head === 2) frame[1] = bytes;
  else if (head === 4) {
    frame[1] = LENGTH_IN_2_BYTES;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = LENGTH_IN_8_BYTES;
    frame.writeBigUInt64BE(BigInt(bytes), 2);
  }
  frame.write(text, head, 'utf8');
  return frame;
}
