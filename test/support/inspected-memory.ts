import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { GatewayProcess } from './gateway-process.ts';

/** What has a process open the door that is knocked at here, and leave little garbage lying about. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect=127.0.0.1:0 --max-semi-space-size=1' };

/**
 * What a process holds in memory, garbage left out, as Node's own inspector tells it: from outside, so that
 * nothing in the process is there for a test.
 */
export class InspectedMemory implements Disposable {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Of a process that was started as `INSPECTABLE`. */
  static async of({ line }: GatewayProcess): Promise<InspectedMemory> {
    const listening = await line((text) => text.includes('Debugger listening on'));
    const socket = new WebSocket(/ws:\S+/.exec(listening)?.[0] ?? '');
    await once(socket, 'open');
    return new InspectedMemory(socket);
  }

  /** Objects and buffers that something still refers to, in bytes. */
  async usedBytes(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage');
    return this.bytes();
  }

  /** The same with whatever garbage there is. */
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
