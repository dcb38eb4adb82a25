import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { errorCodeOf } from '../core/logged-error.ts';
import { GatewayError } from '../errors.ts';

/** The parts of a request that say which operation to run. */
export interface OperationRequest {
  readonly query?: unknown;
  /** The id of a document, as GraphQL over HTTP proposes it. */
  readonly documentId?: unknown;
  /** `persistedQuery.sha256Hash`, as Apollo's and urql's clients send it. */
  readonly extensions?: unknown;
}

const manifestSchema = z.record(z.string().min(1), z.string().min(1));
const extensionsSchema = z.object({ persistedQuery: z.object({ sha256Hash: z.string() }) });

/** The operations in a file: the only ones that may run. */
export class TrustedDocuments {
  readonly #byId: ReadonlyMap<string, string>;
  readonly #texts: ReadonlySet<string>;

  constructor(manifest: Readonly<Record<string, string>>) {
    this.#byId = new Map(Object.entries(manifest).map(([id, text]) => [withoutPrefix(id), text]));
    this.#texts = new Set(this.#byId.values());
  }

  /** Reads the file at `path`, or says what is expected of it instead. */
  static read(path: string): TrustedDocuments | { readonly expected: string } {
    try {
      return new TrustedDocuments(manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8'))));
    } catch (error) {
      const code = errorCodeOf(error);
      return {
        expected:
          code === undefined
            ? 'a JSON file of {"hash": "text of the operation"}'
            : `a file that can be read (${code})`,
      };
    }
  }

  /** The text to run: that in the request, or that for the hash in the request; `undefined` if there is neither. */
  textOf(request: OperationRequest): string | undefined {
    const { query, documentId } = request;
    if (typeof query === 'string' && query !== '') return query;
    const id = typeof documentId === 'string' ? documentId : hashOf(request);
    return id === undefined ? undefined : this.#byId.get(withoutPrefix(id));
  }

  /** Why a text may not be run; `undefined` if it may. */
  refusalOf(text: string): GatewayError | undefined {
    if (this.#texts.has(text)) return undefined;
    return new GatewayError(
      'FORBIDDEN',
      'This gateway runs only the operations that it was given.',
    );
  }
}

/** The hash that a request has in place of a text, or beside it. */
export function hashOf({ extensions }: OperationRequest): string | undefined {
  return extensionsSchema.safeParse(extensions).data?.persistedQuery.sha256Hash;
}

function withoutPrefix(id: string): string {
  return id.replace(/^sha256:/, '');
}
