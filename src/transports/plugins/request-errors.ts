import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Mask } from '../../graphql/errors.ts';

/** Gives errors from parsing and validation our codes as well: Yoga masks only errors from execution. */
export function useRequestErrors(mask: Mask): Plugin {
  return {
    // Yoga itself would say nothing but 415. It is what `fetch` gets for a text without a `content-type`.
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) setRequestParser(refuseMediaType);
    },
    onParse:
      () =>
      ({ result, replaceParseResult }) => {
        if (result instanceof Error) replaceParseResult(mask(result));
      },
    onValidate:
      () =>
      ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map(mask));
      },
  };
}

function refuseMediaType(): never {
  throw new GraphQLError(
    'Send the body as JSON, with the header `content-type: application/json`.',
    { extensions: { http: { status: 415 } } },
  );
}
