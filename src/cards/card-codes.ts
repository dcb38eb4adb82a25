import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A key of 32 bytes, and the name by which what it sealed is known. */
export interface CardKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** Where a card code belongs: sealed for one place, it opens in no other. */
export interface CardPlace {
  readonly orderId: string;
  readonly version: number;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OPEN_OPTIONS = { authTagLength: TAG_BYTES };
/** `v1.<key id>.<nonce>.<code and tag>`, the last two in base64url. */
const SEALED = /^v1\.([\w-]{1,32})\.([\w-]{16})\.([\w-]{22,})$/;

/**
 * Card codes as they are kept: AES-256-GCM with a fresh nonce, bound to the order and the version that they
 * belong to. The first key seals, every key opens.
 */
export class CardCodes {
  readonly #first: CardKey;
  readonly #keys: ReadonlyMap<string, Uint8Array>;

  constructor(keys: readonly [CardKey, ...CardKey[]]) {
    this.#first = keys[0];
    // The first of two keys of one name counts.
    this.#keys = new Map(keys.toReversed().map(({ id, key }) => [id, key]));
  }

  seal(code: string, place: CardPlace): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#first.key, nonce).setAAD(boundTo(place));
    const sealed = Buffer.concat([
      cipher.update(code, 'utf8'),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return `v1.${this.#first.id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
  }

  /** `undefined` for one whose key is not here, that belongs elsewhere, or that was changed. */
  open(sealed: string, place: CardPlace): string | undefined {
    const [, id, nonce, text] = SEALED.exec(sealed) ?? [];
    const key = id === undefined ? undefined : this.#keys.get(id);
    if (key === undefined || nonce === undefined || text === undefined) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    try {
      const iv = Buffer.from(nonce, 'base64url');
      const decipher = createDecipheriv(ALGORITHM, key, iv, OPEN_OPTIONS).setAAD(boundTo(place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      // All of it comes at once; as a text, Node would make a decoder for each.
      const code = decipher.update(bytes.subarray(0, -TAG_BYTES));
      decipher.final();
      return code.toString('utf8');
    } catch {
      return undefined;
    }
  }

  /** Whether a sealed code is under the first key. */
  isCurrent(sealed: string): boolean {
    return SEALED.exec(sealed)?.[1] === this.#first.id;
  }
}

/** Whether a text is a sealed code: one that is not is all digits. */
export function isSealed(text: string): boolean {
  return SEALED.test(text);
}

/** Unambiguous, since JSON is. */
function boundTo({ orderId, version }: CardPlace): Buffer {
  return Buffer.from(JSON.stringify(['card code', orderId, version]));
}
