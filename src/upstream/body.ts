/** A status response takes a few hundred bytes and a full list about 50 kB: a far longer body is neither. */
const LONGEST_BODY_BYTES = 1024 * 1024;

/**
 * The body as text, or `undefined` if it is longer than the limit. A body whose `Content-Length` exceeds the limit
 * is not read at all; any other is read up to the limit.
 */
export async function readBody(response: Response): Promise<string | undefined> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > LONGEST_BODY_BYTES) {
    await response.body?.cancel();
    return undefined;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > LONGEST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  // Without a byte order mark, which is no JSON.
  return new TextDecoder().decode(Buffer.concat(chunks));
}
