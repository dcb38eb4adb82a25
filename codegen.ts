import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents for the operations in `schema/operations`, for tests and for TypeScript clients. */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  documents: 'schema/operations/*.graphql',
  generates: {
    'schema/typed-documents.ts': {
      plugins: [
        { add: { content: '// Made by `npm run codegen` from schema/operations. Do not edit.' } },
        'typescript-operations',
        'typed-document-node',
      ],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { ID: 'string', DateTime: 'string' },
        strictScalars: true,
        skipTypename: true,
        avoidOptionals: { field: true },
      },
    },
  },
};

export default config;
