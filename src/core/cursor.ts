/**
 * A position among one order's snapshots in one log: the log's identity and a version. It is opaque to
 * clients, printable, and grants no access.
 */
export interface Cursor {
  readonly logId: string;
  readonly version: number;
}

const PATTERN = /^([A-Za-z0-9-]{1,64})@([0-9]{1,15})$/;

export function encodeCursor({ logId, version }: Cursor): string {
  return Buffer.from(`${logId}@${version}`).toString('base64url');
}

/** `undefined` for a text that no gateway can have handed out. */
export function decodeCursor(text: string): Cursor | undefined {
  const match = PATTERN.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const cursor = { logId: match[1], version: Number(match[2]) };
  // Base64 has several spellings of the same bytes: only the one that `encodeCursor` writes is a cursor.
  return encodeCursor(cursor) === text ? cursor : undefined;
}
