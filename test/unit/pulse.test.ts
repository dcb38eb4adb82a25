import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Patient, Pulse } from '../../src/transports/streams/pulse.ts';
import { ManualClock } from '../support/manual-clock.ts';

const INTERVAL_MS = 12_000;

/** Real sockets, of which each client answers pings or does not. */
async function open() {
  const clock = new ManualClock();
  const patients = new Set<Patient>();
  const pulse = new Pulse({ clock, intervalMs: INTERVAL_MS, patients });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = async ({ autoPong }: { readonly autoPong: boolean }) => {
    const accepted = once(server, 'connection');
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong });
    const [socket] = (await accepted) as [WebSocket];
    if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
    let pings = 0;
    client.on('ping', () => {
      pings += 1;
    });
    client.on('error', () => undefined);
    const patient: Patient & { askedAt: number | undefined } = {
      askAt: 0,
      askedAt: undefined,
      ask(now) {
        patient.askedAt ??= now;
        socket.ping();
      },
      cutOff: () => socket.terminate(),
    };
    patients.add(patient);
    socket.on('pong', () => {
      patient.askedAt = undefined;
    });
    socket.on('close', () => patients.delete(patient));
    pulse.welcome(patient);
    return { client, socket, pings: () => pings };
  };
  const close = async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { clock, connect, [Symbol.asyncDispose]: close };
}

describe('a client that is asked for a sign of life', () => {
  it('stays while it gives one, interval after interval', async () => {
    await using scene = await open();
    const { socket, pings } = await scene.connect({ autoPong: true });
    for (let nth = 1; nth <= 4; nth += 1) {
      const pong = once(socket, 'pong');
      await scene.clock.advance(INTERVAL_MS);
      await pong;
      expect(pings()).toBe(nth);
    }
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is cut off when it gives none within an interval, no sooner; others stay', async () => {
    await using scene = await open();
    const silent = await scene.connect({ autoPong: false });
    const alive = await scene.connect({ autoPong: true });
    const asked = once(silent.client, 'ping');
    const pong = once(alive.socket, 'pong');
    await scene.clock.advance(INTERVAL_MS);
    await asked;
    await pong;
    await scene.clock.advance(INTERVAL_MS - 1);
    expect(silent.socket.readyState).toBe(WebSocket.OPEN);
    const gone = once(silent.client, 'close');
    const next = once(alive.socket, 'pong');
    await scene.clock.advance(1);
    await gone;
    await next;
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is asked in time though the system clock was set back meanwhile', async () => {
    await using scene = await open();
    const { client } = await scene.connect({ autoPong: true });
    const asked = once(client, 'ping');
    scene.clock.set(-24 * 3_600_000);
    await scene.clock.advance(INTERVAL_MS);
    await asked;
  });

  it('is asked again by a timer that began anew, after all others had left', async () => {
    await using scene = await open();
    const first = await scene.connect({ autoPong: true });
    const left = once(first.socket, 'close');
    first.client.close();
    await left;
    await scene.clock.advance(2 * INTERVAL_MS);
    const second = await scene.connect({ autoPong: true });
    const asked = once(second.client, 'ping');
    await scene.clock.advance(INTERVAL_MS);
    await asked;
    expect(first.pings()).toBe(0);
  });
});
