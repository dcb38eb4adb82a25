/** Shared by the contestants that are written for the bench. */
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

/** Makes one call to the upstream, as a resolver would. */
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

/** On each publish command, calls `send` for each order, and reports once all were sent. */
export function publishBy(send: (row: Row) => void): void {
  onCommand((command) => {
    if (command.kind !== 'publish') return;
    for (const row of changed(command)) send(row);
    tell({ kind: 'done' });
  });
}

/** The changed orders of a publish command. Each is stamped as late as possible. */
export function* changed({ sequence, orders }: Publish): Generator<Row> {
  for (let index = 0; index < orders; index += 1) {
    yield { ...rowOf(index), ref: stampOf(sequence), amount: 1_000 + sequence };
  }
}
