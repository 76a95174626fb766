// What is measured against: the same answer from the same framework on the same Node.js, and nothing else.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { meAnswer } from './answers.ts';

const app = new Hono();
app.get('/v1/me', (c) => c.json(meAnswer));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(JSON.stringify({ msg: 'ready', port }));
});
