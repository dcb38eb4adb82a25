import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ArgumentNode,
  buildSchema,
  type DocumentNode,
  FieldsOnCorrectTypeRule,
  type FragmentDefinitionNode,
  Kind,
  KnownArgumentNamesRule,
  parse,
  print,
  validate,
  visit,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { blocksIn, type CodeBlock, markdownFiles, ROOT } from '../support/markdown.ts';

const schema = buildSchema(readFileSync(join(ROOT, 'schema/schema.graphql'), 'utf8'));

const RELAY_DIRECTIVES = ['argumentDefinitions', 'refetchable', 'connection'];

/** What is wrong with the documents in each block, and where the block stands. */
function faultsOf(
  blocks: readonly CodeBlock[],
  documentsIn: (code: string) => readonly string[],
): readonly string[] {
  return blocks.flatMap(({ path, line, code }) =>
    documentsIn(code)
      .flatMap(faultsIn)
      .map((fault) => `${path}:${line}: ${fault}`),
  );
}

function faultsIn(text: string): readonly string[] {
  try {
    return validate(schema, asRelayCompiles(parse(text))).map(({ message }) => message);
  } catch (error) {
    return [String(error)];
  }
}

/**
 * Relay's compiler makes an operation of a fragment with `@argumentDefinitions`, whose arguments become variables, and
 * sends none of its directives.
 */
function asRelayCompiles(document: DocumentNode): DocumentNode {
  const operations = document.definitions.flatMap((definition) =>
    definition.kind === Kind.FRAGMENT_DEFINITION ? [operationOf(definition)] : [],
  );
  const plain = visit(document, {
    Directive: ({ name }) => (RELAY_DIRECTIVES.includes(name.value) ? null : undefined),
  });
  return parse([print(plain), ...operations].join('\n'));
}

function operationOf({ name, directives = [] }: FragmentDefinitionNode): string {
  const definitions = directives.find((each) => each.name.value === 'argumentDefinitions');
  const variables = definitions?.arguments?.map(variableOf) ?? [];
  const list = variables.length === 0 ? '' : `(${variables.join(', ')})`;
  return `query Of${name.value}${list} { ...${name.value} }`;
}

function variableOf(argument: ArgumentNode): string {
  const fields = argument.value.kind === Kind.OBJECT ? argument.value.fields : [];
  const parts = fields.map(({ name, value }) => [name.value, value] as const);
  const { type, defaultValue } = Object.fromEntries(parts);
  if (type?.kind !== Kind.STRING) throw new Error(`no type: ${print(argument)}`);
  const byDefault = defaultValue === undefined ? '' : ` = ${print(defaultValue)}`;
  return `$${argument.name.value}: ${type.value}${byDefault}`;
}

/** Strings and templates that hold an operation. */
function operationsInScript(code: string): readonly string[] {
  const strings = Array.from(code.matchAll(/`([^`]*)`|'([^'\n]*)'/g), ([, a, b]) => a ?? b ?? '');
  return strings.filter((text) =>
    /^\s*((query|mutation|subscription|fragment)\b[^{]*)?\{\s*\w/.test(text),
  );
}

/** Those in bodies that `curl` is told to send; a body for the simulator has none. */
function operationsInShell(code: string): readonly string[] {
  const bodies = Array.from(code.matchAll(/ -d '([^']*)'/g), ([, body = '']) => JSON.parse(body));
  return bodies.flatMap(({ query }) => (query === undefined ? [] : [String(query)]));
}

describe('GraphQL in the documentation', () => {
  it('is valid in blocks of its own', () => {
    expect(faultsOf(blocksIn('graphql'), (code) => [code])).toEqual([]);
  });

  it('is valid within scripts', () => {
    const blocks = blocksIn('ts', 'tsx', 'js');
    expect(blocks.filter(({ code }) => operationsInScript(code).length > 0)).toHaveLength(7);
    expect(faultsOf(blocks, operationsInScript)).toEqual([]);
  });

  it('is valid within commands', () => {
    const blocks = blocksIn('sh');
    expect(blocks.filter(({ code }) => operationsInShell(code).length > 0)).toHaveLength(2);
    expect(faultsOf(blocks, operationsInShell)).toEqual([]);
  });

  it('names fields and arguments that exist, as in `topups(ids, maxAge)` and `topup { history }`', () => {
    const codes = markdownFiles().flatMap(({ inlineCode }) => inlineCode);
    const fields = codes.filter((code) => /^\w+(\(\w+(, \w+)*\)| \{[\w {}]+\})$/.test(code));
    const unknown = fields.filter((field) => !exists(field));
    expect(fields.length).toBeGreaterThan(5);
    expect(unknown).toEqual([]);
  });
});

/** Whether a field is one of a query or of a subscription, whatever its arguments are and whatever is asked of it. */
function exists(field: string): boolean {
  const withArguments = field.replaceAll(/(\w+)(?=[,)])/g, '$1: 0');
  return ['query', 'subscription'].some((kind) => {
    const document = parse(`${kind} { ${withArguments} }`);
    const rules = [FieldsOnCorrectTypeRule, KnownArgumentNamesRule];
    return validate(schema, document, rules).length === 0;
  });
}
