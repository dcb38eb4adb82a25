/** The values of a `Few` that has more than one. */
class Several<T> extends Set<T> {}

/**
 * A set that usually holds one value or none, stored as the bare value until there is a second one. An empty `Set`
 * takes 150 bytes, and some of these sets exist once per subscriber.
 */
export type Few<T extends object> = T | Several<T> | undefined;

export function withOne<T extends object>(few: Few<T>, one: T): Few<T> {
  if (few instanceof Several) return few.add(one);
  return few === undefined ? one : new Several([few, one]);
}

export function withoutOne<T extends object>(few: Few<T>, one: T): Few<T> {
  if (few === one) return undefined;
  if (!(few instanceof Several)) return few;
  few.delete(one);
  return few.size === 0 ? undefined : few;
}

export function isAmong<T extends object>(few: Few<T>, one: T): boolean {
  return few instanceof Several ? few.has(one) : few === one;
}

/** A snapshot of the values, in the order in which they were added. */
export function listOf<T extends object>(few: Few<T>): readonly T[] {
  if (few === undefined) return [];
  return few instanceof Several ? [...few] : [few];
}

/** A `Few` for each of many keys. */
export class FewByKey<T extends object> {
  readonly #byKey = new Map<string, T | Several<T>>();

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  isAmong(key: string, one: T): boolean {
    return isAmong(this.#byKey.get(key), one);
  }

  listOf(key: string): readonly T[] {
    return listOf(this.#byKey.get(key));
  }

  add(key: string, one: T): void {
    this.#keep(key, withOne(this.#byKey.get(key), one));
  }

  delete(key: string, one: T): void {
    this.#keep(key, withoutOne(this.#byKey.get(key), one));
  }

  #keep(key: string, few: Few<T>): void {
    if (few === undefined) this.#byKey.delete(key);
    else this.#byKey.set(key, few);
  }
}
