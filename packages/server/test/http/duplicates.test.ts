import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, test } from 'vitest';
import { rejectDuplicateHeaders } from '../../src/http/duplicates.ts';

const once = [
  'Authorization',
  'Content-Type',
  'Origin',
  'Host',
  'Content-Length',
  'Sec-Fetch-Site',
  'Cookie',
];
const typical = [
  'Host',
  'localhost',
  'Accept',
  '*/*',
  'Origin',
  'http://localhost',
  'Sec-Fetch-Mode',
  'cors',
];

/** The header lists that Node makes of one request as it goes over the wire. */
async function received(lines: string[]): Promise<IncomingMessage> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  const server = createServer((request, response) => {
    response.end();
    resolve(request);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(`GET / HTTP/1.1\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`);
  try {
    return await promise;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('refuseDuplicateHeaders', () => {
  test.each(once)('H9: two %s lines are rejected, side by side or apart, in any case', (name) => {
    const refusal = expect.objectContaining({
      name: 'HttpError',
      code: 'duplicate_header',
      status: 400,
      message: expect.stringContaining(name.toLowerCase()),
    });
    for (const second of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(() => rejectDuplicateHeaders([name, 'a', second, 'b'])).toThrow(refusal);
      expect(() => rejectDuplicateHeaders([name, 'a', 'Accept', '*/*', second, 'a'])).toThrow(refusal);
      expect(() => rejectDuplicateHeaders([second, '', 'X-Other', 'b', name, ''])).toThrow(refusal);
    }
  });

  it('lets each come once, all together', () => {
    expect(() => rejectDuplicateHeaders(once.flatMap((name) => [name, 'x']))).not.toThrow();
    expect(() => rejectDuplicateHeaders(typical)).not.toThrow();
    expect(() => rejectDuplicateHeaders([])).not.toThrow();
  });

  it('lets others come as often as they like', () => {
    for (const name of ['X-Forwarded-For', 'Accept', 'Via', 'Sec-Fetch-Mode', 'Cache-Control', 'Date'])
      expect(() => rejectDuplicateHeaders([name, 'a', name, 'b'])).not.toThrow();
  });

  it('looks at names and not at values', () => {
    expect(() => rejectDuplicateHeaders(['X-A', 'Host', 'X-B', 'Host', 'Host', 'x'])).not.toThrow();
  });

  it('H9: sees what Node drops in silence: the second Authorization line', async () => {
    const request = await received(['Host: a', 'Authorization: Bearer one', 'Authorization: Bearer two']);
    expect(request.headers.authorization).toBe('Bearer one');
    expect(() => rejectDuplicateHeaders(request.rawHeaders)).toThrow(/authorization/);
  });

  it('H10: sees the second Cookie line, which Node joins to the first', async () => {
    const request = await received(['Host: a', 'Cookie: a=b', 'cookie: c=d']);
    expect(request.headers.cookie).toBe('a=b; c=d');
    expect(() => rejectDuplicateHeaders(request.rawHeaders)).toThrow(/cookie/);
  });
});
