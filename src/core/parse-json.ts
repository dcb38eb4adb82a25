/** The value that a JSON text stands for; `undefined`, which JSON has no word for, if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
