import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A key of 32 bytes, and its id, which is stored with each card code that the key sealed. */
export interface CardKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** The place that a card code belongs to. A code that was sealed for one place opens in no other. */
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
 * Encrypts card codes for storage: AES-256-GCM with a fresh nonce, bound to the order and the version that a code
 * belongs to. The first key seals, every key opens.
 */
export class CardCodes {
  readonly #first: CardKey;
  readonly #keys: ReadonlyMap<string, Uint8Array>;

  constructor(keys: readonly [CardKey, ...CardKey[]]) {
    this.#first = keys[0];
    // Of two keys with the same id, the first is used.
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

  /** `undefined` for a code whose key is not there, that belongs to another place, or that was changed. */
  open(sealed: string, place: CardPlace): string | undefined {
    const [, id, nonce, text] = SEALED.exec(sealed) ?? [];
    const key = id === undefined ? undefined : this.#keys.get(id);
    if (key === undefined || nonce === undefined || text === undefined) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    try {
      const iv = Buffer.from(nonce, 'base64url');
      const decipher = createDecipheriv(ALGORITHM, key, iv, OPEN_OPTIONS).setAAD(boundTo(place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      // `update` returns the whole code. For a string instead of a buffer, Node would make a decoder each time.
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

/** The additional authenticated data (AAD) of a place. Unambiguous, since JSON is. */
function boundTo({ orderId, version }: CardPlace): Buffer {
  return Buffer.from(JSON.stringify(['card code', orderId, version]));
}
