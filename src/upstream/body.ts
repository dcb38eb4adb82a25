/** A status answer takes a few hundred bytes and a full list about 50 kB; far beyond that it is none. */
export const LONGEST_BODY_BYTES = 1024 * 1024;

/**
 * The body as text, or `undefined` as soon as it proves longer than the limit: at once where it says so
 * itself, else after that many bytes. The rest is not read.
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
  return Buffer.concat(chunks).toString('utf8');
}
