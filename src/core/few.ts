/** The values of a `Few` that has more than one. */
class Several<T> extends Set<T> {}

/**
 * A set that mostly holds one value or none: that one itself, until there is another. A `Set` takes 150 bytes before
 * anything is in it, and of some sets there is one for each subscriber.
 */
export type Few<T extends object> = T | Several<T> | undefined;

export function withOne<T extends object>(few: Few<T>, one: T): Few<T> {
  if (few instanceof Several) return few.add(one);
  return few === undefined || few === one ? one : new Several([few, one]);
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

/** All values as of now, the one that was added first first. */
export function listOf<T extends object>(few: Few<T>): readonly T[] {
  if (few === undefined) return [];
  return few instanceof Several ? [...few] : [few];
}

/** Few values for each of many keys. */
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
