import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'vitest';

/**
 * Sends the head of a request with a JSON body, and returns once the server waits for the body. `finish` sends the body
 * and returns the status of the response.
 */
export async function beginRequest(
  { port }: { port: number },
  method: string,
  path: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<{ finish(): Promise<number> }> {
  const text = JSON.stringify(body);
  const socket = connect(port, '127.0.0.1');
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: localhost:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/json',
    `Content-Length: ${text.length}`,
    'Expect: 100-continue',
    'Connection: close',
  ];
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  expect(answer).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  answer = '';
  return {
    async finish() {
      const closed = once(socket, 'close');
      socket.write(text);
      await closed;
      return Number(answer.split(' ')[1]);
    },
  };
}
