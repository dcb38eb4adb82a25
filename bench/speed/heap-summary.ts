/** What grew between two heap snapshots of V8, by kind of object. */

/** A heap snapshot as Node writes it, as far as it is read here. */
export interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

export interface Growth {
  readonly kind: string;
  readonly count: number;
  readonly bytes: number;
}

const MOST_SHOWN = 40;
/** How much of a string is shown, so that strings that differ only by an id are one kind. */
const TEXT_SHOWN = 8;

/** The growth of each kind, the largest first. */
export function growthBetween(before: HeapSnapshot, after: HeapSnapshot): readonly Growth[] {
  const known = byKind(before);
  return [...byKind(after)]
    .map(([kind, { count, bytes }]) => {
      const earlier = known.get(kind) ?? { count: 0, bytes: 0 };
      return { kind, count: count - earlier.count, bytes: bytes - earlier.bytes };
    })
    .sort((one, other) => other.bytes - one.bytes);
}

export function printedGrowth(growth: readonly Growth[], subscribers: number): readonly string[] {
  const all = growth.reduce((sum, { bytes }) => sum + bytes, 0);
  const each = (number: number, digits: number) => (number / subscribers).toFixed(digits);
  return [
    `${each(all, 0)} bytes of heap a subscriber`,
    '',
    '| kind | of them | bytes |',
    '|---|---:|---:|',
    ...growth
      .slice(0, MOST_SHOWN)
      .map(({ kind, count, bytes }) => `| ${kind} | ${each(count, 1)} | ${each(bytes, 0)} |`),
  ];
}

function byKind({ snapshot, nodes, strings }: HeapSnapshot) {
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const kinds = new Map<string, { readonly count: number; readonly bytes: number }>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const read = (field = 0) => nodes[at + field] ?? 0;
    const kind = kindOf(types[0][read(type)] ?? '', strings[read(name)] ?? '');
    const { count, bytes } = kinds.get(kind) ?? { count: 0, bytes: 0 };
    kinds.set(kind, { count: count + 1, bytes: bytes + read(size) });
  }
  return kinds;
}

/** Objects by class, functions by name, strings by their beginning. */
function kindOf(type: string, name: string): string {
  if (type.includes('string')) return `text ${JSON.stringify(shortened(name))}`;
  if (type === 'closure') return `function ${name}`;
  return type === 'object' || type === 'native' ? name : `${type} ${name}`;
}

function shortened(text: string): string {
  return /^[\da-f-]{20,}$/.test(text) ? 'an id' : text.slice(0, TEXT_SHOWN);
}
