import type { ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { CHALLENGE } from '../../graphql/errors.ts';

const STATUS_OF_CODE: Readonly<Record<string, number>> = { UNAUTHENTICATED: 401, FORBIDDEN: 403 };

/** Responds with one error, in the form of GraphQL errors, and the HTTP status of its code. */
export function sendError(response: ServerResponse, { message, extensions }: GraphQLError): void {
  const { code } = extensions;
  if (code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', CHALLENGE);
  const error = { message, extensions: { code } };
  sendJson(response, STATUS_OF_CODE[String(code)] ?? 500, { errors: [error] });
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(`${JSON.stringify(body)}\n`);
}
