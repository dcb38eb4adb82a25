import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { GatewayProcess } from './gateway-process.ts';

/** The environment of a process to inspect: opens Node's inspector, and keeps the heap's young generation small. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0 --max-semi-space-size=1' };

/**
 * Measures a process's memory without its garbage, through Node's own inspector, so that the process needs no code for
 * tests.
 */
export class InspectedMemory implements Disposable {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Connects to a process that was started with the environment `INSPECTABLE`. */
  static async of({ line }: GatewayProcess): Promise<InspectedMemory> {
    const listening = await line((text) => text.includes('Debugger listening on'));
    const socket = new WebSocket(/ws:\S+/.exec(listening)?.[0] ?? '');
    await once(socket, 'open');
    return new InspectedMemory(socket);
  }

  /** The size in bytes of all reachable objects and buffers. Collects garbage first. */
  async usedBytes(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    return this.bytes();
  }

  /** The size in bytes of all objects and buffers, garbage included. */
  async bytes(): Promise<number> {
    const usage = await this.#call('Runtime.getHeapUsage');
    return Number(usage['usedSize']) + Number(usage['backingStorageSize']);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  async #call(method: string): Promise<Readonly<Record<string, unknown>>> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [data] = await once(this.#socket, 'message');
      const message = JSON.parse(String(data));
      if (message.id === id) return message.result;
    }
  }
}
