import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import { ELSEWHERE } from './attacked-gateway.ts';

export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A WebSocket from the attackers' address that sends any messages in any order. */
export class AttackingSocket {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  /** Code and reason of the close frame. */
  readonly closed: Promise<readonly [code: number, reason: string]>;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => this.messages.push(JSON.parse(String(data))));
    socket.on('error', () => undefined);
    // Not `once` of node:events, which rejects on an `error` event.
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve([code, String(reason)]));
    });
  }

  static async open(port: number, options: ClientOptions = {}): Promise<AttackingSocket> {
    const url = `ws://127.0.0.1:${port}/graphql`;
    const socket = new WebSocket(url, 'graphql-transport-ws', {
      localAddress: ELSEWHERE,
      ...options,
    });
    const attacking = new AttackingSocket(socket);
    await once(socket, 'open');
    return attacking;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  begin(payload?: unknown): void {
    this.send({ type: 'connection_init', payload });
  }

  subscribe(id: string, query: string): void {
    this.send({ id, type: 'subscribe', payload: { query } });
  }

  /** The first message of a type, already received or yet to come. Rejects if the socket closes before. */
  async message(type: string): Promise<Message> {
    for (;;) {
      const had = this.messages.find((message) => message.type === type);
      if (had !== undefined) return had;
      await Promise.race([once(this.socket, 'message'), this.closed]);
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(`closed before ${type}: ${(await this.closed).join(' ')}`);
      }
    }
  }

  leave(): void {
    this.socket.terminate();
  }
}
