import { readFile } from 'node:fs/promises';
import { generate } from '@graphql-codegen/cli';
import { type GraphQLNamedType, isEnumType, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import codegen from '../../codegen.ts';
import { printedSchema } from '../../scripts/printed-schema.ts';
import { schema } from '../../src/graphql/schema.ts';

const root = new URL('../../', import.meta.url);

describe('the schema', () => {
  it('is what schema/schema.graphql says; else run `npm run schema`', async () => {
    const committed = await readFile(new URL('schema/schema.graphql', root), 'utf8');
    expect(printedSchema()).toBe(committed);
  });

  it('has the typed documents that were generated from it; else run `npm run codegen`', async () => {
    const committed = await readFile(new URL('schema/typed-documents.ts', root), 'utf8');
    const [made] = await generate({ ...codegen, silent: true, errorsOnly: true }, false);
    expect(made?.content).toBe(committed);
  });

  it('describes every type, field, argument and value', () => {
    const named = Object.values(schema.getTypeMap()).filter(({ name }) => !isBuiltIn(name));
    const bare = named.flatMap(describable).filter(({ description }) => !description);
    expect(named.length).toBeGreaterThan(10);
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});

interface Describable {
  readonly name: string;
  readonly description?: string | null | undefined;
}

function isBuiltIn(name: string): boolean {
  return name.startsWith('__') || ['ID', 'String', 'Int', 'Float', 'Boolean'].includes(name);
}

/** A type and all that is in it, under names that say where they stand. */
function describable(type: GraphQLNamedType): readonly Describable[] {
  if (isEnumType(type)) return [type, ...type.getValues().map((value) => within(type, value))];
  if (!isObjectType(type) && !isInterfaceType(type)) return [type];
  const fields = Object.values(type.getFields()).flatMap((field) => [
    field,
    ...field.args.map((arg) => within(field, arg)),
  ]);
  return [type, ...fields.map((field) => within(type, field))];
}

function within(outer: Describable, { name, description }: Describable): Describable {
  return { name: `${outer.name}.${name}`, description };
}
