/** What the contestants share that are written for the bench. */
import type { Server } from 'node:http';
import { onCommand, type Publish, stampOf, tell } from '../messages.ts';
import { type Row, rowOf } from '../rows.ts';

const { UPSTREAM_URL = '' } = process.env;

export const upstreamUrl = UPSTREAM_URL;

export function listen(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) {
      tell({ kind: 'listening', port: address.port });
    }
  });
}

/** One call to the upstream, as a resolver would make it. */
export async function askUpstream(id: string): Promise<Row> {
  const response = await fetch(`${UPSTREAM_URL}/v3/internet/check-id/${id}`);
  const { data } = Object(await response.json());
  return {
    id: data._id,
    ref: data.ref,
    type: data.type,
    number: data.number,
    amount: data.topup_amount,
    status: data.status,
    upstreamStatus: data.status,
    cardCode: data.card_code,
    transactionNumber: data.num_trans,
    processedAt: data.date_traitement,
    createdAt: data.created_at,
  };
}

/** Sends each order of an event to whoever follows it, and says when all were sent. */
export function publishBy(send: (row: Row) => void): void {
  onCommand((command) => {
    if (command.kind !== 'publish') return;
    for (const row of changed(command)) send(row);
    tell({ kind: 'done' });
  });
}

/** The orders of an event as they then stand, each stamped as late as possible. */
export function* changed({ sequence, orders }: Publish): Generator<Row> {
  for (let index = 0; index < orders; index += 1) {
    yield { ...rowOf(index), ref: stampOf(sequence), amount: 1_000 + sequence };
  }
}
