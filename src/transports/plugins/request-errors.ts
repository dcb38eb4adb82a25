import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Mask } from '../../graphql/errors.ts';

/** Gives errors from parsing and validation our codes as well: Yoga masks only errors from execution. */
export function useRequestErrors(mask: Mask): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      const encoding = request.headers.get('content-encoding') || 'identity';
      // To Yoga itself it would be malformed JSON.
      if (request.method === 'POST' && !/^identity$/i.test(encoding))
        setRequestParser(() => refuseMedia(NOT_ENCODED));
      // Yoga itself would say nothing but 415. It is what `fetch` gets for a text without a `content-type`.
      else if (requestParser === undefined) setRequestParser(() => refuseMedia(AS_JSON));
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

const NOT_ENCODED = 'Send the body as it is, without `content-encoding`.';
const AS_JSON = 'Send the body as JSON, with the header `content-type: application/json`.';

function refuseMedia(message: string): never {
  throw new GraphQLError(message, { extensions: { http: { status: 415 } } });
}
