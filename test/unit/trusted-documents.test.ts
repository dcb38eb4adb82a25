import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { type OperationRequest, TrustedDocuments } from '../../src/limits/trusted-documents.ts';
import { temporaryFolder } from '../support/gateway-process.ts';

const TEXT = '{ gateway { overdue } }';
const OTHER = '{ __typename }';

const byHash = (sha256Hash: unknown) => ({ persistedQuery: { version: 1, sha256Hash } });

it.each<[text: string | undefined, request: OperationRequest]>([
  [TEXT, { documentId: 'a3f1' }],
  [TEXT, { documentId: 'sha256:a3f1' }],
  [TEXT, { extensions: byHash('a3f1') }],
  [TEXT, { query: '', extensions: byHash('a3f1') }],
  [OTHER, { documentId: 'b4' }],
  [OTHER, { documentId: 'sha256:b4' }],
  // As they stand in the request, so that they are what is refused.
  [OTHER, { query: OTHER, documentId: 'a3f1' }],
  ['{ x }', { query: '{ x }', extensions: byHash('a3f1') }],
  [undefined, {}],
  [undefined, { query: 5 }],
  [undefined, { documentId: 'md5:a3f1' }],
  [undefined, { documentId: 'a3f1sha256:' }],
  [undefined, { documentId: '__proto__' }],
  [undefined, { documentId: 5 }],
  [undefined, { extensions: byHash(5) }],
  [undefined, { extensions: 'a3f1' }],
])('the text to run is %j for %j', (text, request) => {
  const documents = new TrustedDocuments({ a3f1: TEXT, 'sha256:b4': OTHER });
  expect(documents.textOf(request)).toBe(text);
});

it('only what is in the file may run, to the letter', () => {
  const documents = new TrustedDocuments({ a3f1: TEXT, 'sha256:b4': OTHER });
  expect([TEXT, OTHER].map((text) => documents.refusalOf(text))).toEqual([undefined, undefined]);
  for (const text of ['', 'a3f1', ` ${TEXT}`, '{ x }'])
    expect(documents.refusalOf(text)?.code).toBe('FORBIDDEN');
});

it.each([
  ['no JSON', `{${TEXT}}`],
  ['a list', `["${TEXT}"]`],
  ['a document that is no text', '{"a3f1":5}'],
  ['an empty text', '{"a3f1":""}'],
  ['an empty hash', `{"":"${TEXT}"}`],
])('a file with %s is told from one of documents', async (_what, content) => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/trusted.json`;
  await writeFile(path, content);
  const expected = 'a JSON file of {"hash": "text of the operation"}';
  expect(TrustedDocuments.read(path)).toEqual({ expected });
  await writeFile(path, JSON.stringify({ a3f1: TEXT }));
  expect(TrustedDocuments.read(path)).toBeInstanceOf(TrustedDocuments);
});

it('a gateway that is given such a file runs nothing else, so it has no GraphiQL', async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/trusted.json`;
  await writeFile(path, JSON.stringify({ a3f1: TEXT }));
  const { limits } = parseConfig({ TRUSTED_DOCUMENTS: path, GRAPHIQL: 'on' });
  expect(limits.graphiql).toBe(false);
  expect(limits.trustedDocuments?.textOf({ documentId: 'a3f1' })).toBe(TEXT);
});
