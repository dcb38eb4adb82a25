import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { createGuard } from '../../src/limits/guard.ts';
import { DEFAULT_LIMITS } from '../../src/limits/limits.ts';
import { enterStream } from '../../src/transports/places.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { silentLogger } from '../support/silent.ts';

it('a stream takes a place until its client leaves, and none if that was before it came to a place', async () => {
  const refused: string[] = [];
  const guard = createGuard({
    limits: { ...DEFAULT_LIMITS, connections: 1 },
    clock: new ManualClock(),
    logger: silentLogger,
    onRefused: (limit) => refused.push(limit),
  });
  const request = new IncomingMessage(new Socket());
  const gone = new ServerResponse(request);
  gone.destroy();
  expect(enterStream(request, gone, guard)).toBeUndefined();
  for (let nth = 0; nth < 2; nth += 1) {
    const response = new ServerResponse(request);
    expect(enterStream(request, response, guard)).toBeUndefined();
    expect(enterStream(request, new ServerResponse(request), guard)?.code).toBe('LIMIT_EXCEEDED');
    response.emit('close');
  }
  expect(refused).toEqual(['connections', 'connections']);
});
