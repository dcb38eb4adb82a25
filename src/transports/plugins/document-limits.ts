import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  parse,
  type Source,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../../errors.ts';
import type { Mask } from '../../graphql/errors.ts';
import { overCost } from '../../limits/cost.ts';
import { refusalOf } from '../../limits/document.ts';
import type { Guard } from '../../limits/guard.ts';
import { limitExceeded, type OnRefused } from '../../limits/limits.ts';
import { hashOf, type OperationRequest } from '../../limits/trusted-documents.ts';

type DocumentLimitsOptions = Pick<Guard, 'limits' | 'onRefused'>;

/** What the hooks before queries and before subscriptions have in common. */
interface BeforeRun {
  readonly args: ExecutionArgs;
  readonly setResultAndStopExecution: (result: { errors: GraphQLError[] }) => void;
}

/** The message of graphql-js, which has no error code for this case. */
const TOO_MANY_TOKENS = /contains more than \d+ tokens/;

/** How many validation errors a client is sent: nobody reads more of them. */
const MOST_ERRORS = 10;

/**
 * The limits on operations, over every transport. Must come before all plugins that mask errors.
 *
 * @param mask for an error that stops an execution, which bypasses those plugins.
 */
export function useDocumentLimits(options: DocumentLimitsOptions, mask: Mask): Plugin {
  const { limits, onRefused } = options;
  const { trustedDocuments } = limits;
  const refuseCostly = ({ args, setResultAndStopExecution }: BeforeRun) => {
    const error = overCost(args, options);
    if (error !== undefined) setResultAndStopExecution({ errors: [mask(wrap(error))] });
  };
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser !== undefined) {
        setRequestParser(async (request) =>
          withDocumentId(request, await orBadJson(() => requestParser(request))),
        );
      }
      return { onRequestParseDone: refuseBatches(onRefused) };
    },
    onParams({ params, setParams }) {
      if (trustedDocuments === undefined) {
        refuseHash(params);
        return;
      }
      // Without a text there is nothing to trust.
      const query = trustedDocuments.textOf(params) ?? '';
      if (query === '') refuseUntrusted(query, options);
      setParams({ ...params, query });
    },
    onParse({ setParseFn }) {
      setParseFn((source: string | Source) => parseWithin(source, options));
    },
    onValidate({ params, setResult, setValidationFn }) {
      // Hints such as "Did you mean …" reveal the schema as well, a word at a time.
      if (!limits.introspection) setValidationFn(validateWithoutHints);
      const refusal = refusalOf(params.documentAST, limits);
      if (refusal !== undefined) {
        onRefused(refusal.limit);
        setResult([wrap(refusal.error)]);
      }
      return ({ result, setResult: shorten }) => {
        if (result.length > MOST_ERRORS) shorten(result.slice(0, MOST_ERRORS));
      };
    },
    onExecute: refuseCostly,
    onSubscribe: refuseCostly,
  };
}

function validateWithoutHints(...[schema, document, rules]: Parameters<typeof validate>) {
  return validate(schema, document, rules, { hideSuggestions: true });
}

/** By itself Yoga reports malformed JSON in the `variables` of a query string or a form as its own internal error. */
async function orBadJson<T>(parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const message = 'Expected JSON in `variables` and `extensions`.';
    throw wrap(new GatewayError('BAD_USER_INPUT', message));
  }
}

/** Of an address Yoga reads the parameters of GraphQL alone. */
function withDocumentId<Params>({ method, url }: Request, params: Params): Params {
  const documentId = method === 'GET' ? new URL(url).searchParams.get('documentId') : null;
  return documentId === null ? params : { ...params, documentId };
}

/** The limits would apply to each operation of a batch alone. */
function refuseBatches(onRefused: OnRefused) {
  return ({ requestParserResult }: { readonly requestParserResult: unknown }) => {
    if (!Array.isArray(requestParserResult)) return;
    onRefused('batch');
    throw wrap(limitExceeded('One request holds one operation.'), { status: 400 });
  };
}

/** @throws GraphQLError if a request names its operation by a hash, and no documents are known by theirs. */
export function refuseHash(request: OperationRequest): void {
  // The message after which the clients of Apollo and urql send texts instead of hashes.
  if (!request.query && hashOf(request) !== undefined) {
    throw wrap(new GatewayError('BAD_USER_INPUT', 'PersistedQueryNotSupported'));
  }
}

/** @throws GraphQLError if there are trusted documents, and the text is not one of them. */
function refuseUntrusted(text: string, { limits, onRefused }: DocumentLimitsOptions): void {
  const refusal = limits.trustedDocuments?.refusalOf(text);
  if (refusal === undefined) return;
  onRefused('trusted_documents');
  throw wrap(refusal);
}

function parseWithin(source: string | Source, options: DocumentLimitsOptions): DocumentNode {
  const { limits, onRefused } = options;
  refuseUntrusted(typeof source === 'string' ? source : source.body, options);
  try {
    return parse(source, { maxTokens: limits.queryTokens });
  } catch (error) {
    if (!(error instanceof GraphQLError && TOO_MANY_TOKENS.test(error.message))) throw error;
    onRefused('tokens');
    throw wrap(limitExceeded(`The query has more than ${limits.queryTokens} tokens.`));
  }
}

/** For a refusal before anything ran: status 400 for clients that ask for statuses, as for any fault in a request. */
function wrap(
  originalError: GatewayError | GraphQLError,
  http: object = { spec: true, status: 400 },
): GraphQLError {
  return new GraphQLError(originalError.message, {
    originalError,
    nodes: originalError instanceof GraphQLError ? originalError.nodes : null,
    extensions: { http },
  });
}
