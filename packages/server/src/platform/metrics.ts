import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** The Prometheus metrics. Label values come from closed sets: no label contains an identifier, IP or id. */
export interface Metrics {
  /** @param seconds The duration of the request. */
  request(route: string, method: string, status: number, seconds: number): void;
  error(code: string): void;
  /** @param name The rate limit that was exceeded. */
  limit(name: string): void;
  /** @param end How sending it ended. */
  email(end: string): void;
  /** Sets the number of emails that are waiting or being sent. */
  emailsWaiting(count: number): void;
  /** The response to `/metrics`, and its media type. */
  text(): Promise<{ text: string; type: string }>;
}

/** Values that are read when the metrics are requested. */
export interface Gauges {
  /** The number of passwords that wait to be hashed. */
  hashesWaiting(): number;
  /** The number of open streams. */
  streams(): number;
}

export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const request = createRequestTimes(registry);
  const count = createCounters(registry);
  const emailsWaiting = createGauges(registry, gauges);
  return {
    request,
    ...count,
    emailsWaiting: (emails) => emailsWaiting.set(emails),
    text: async () => ({ text: await registry.metrics(), type: registry.contentType }),
  };
}

function createRequestTimes(registry: Registry): Metrics['request'] {
  const requests = new Histogram({
    name: 'usher_http_request_duration_seconds',
    help: 'Responses and latency by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  // Looking up a labeled child costs more than incrementing it, and the same few recur.
  const children = new Map<string, { observe(seconds: number): void }>();
  return (route, method, status, seconds) => {
    const key = `${method} ${route} ${status}`;
    let child = children.get(key);
    if (!child) {
      child = requests.labels({ route, method, status: String(status) });
      children.set(key, child);
    }
    child.observe(seconds);
  };
}

function createCounters(registry: Registry): Pick<Metrics, 'error' | 'limit' | 'email'> {
  const registers = [registry];
  const errors = new Counter({
    name: 'usher_errors_total',
    help: 'Rejected requests by error code.',
    labelNames: ['code'],
    registers,
  });
  const limits = new Counter({
    name: 'usher_rate_limits_exceeded_total',
    help: 'Requests blocked by rate limits, by limit.',
    labelNames: ['limit'],
    registers,
  });
  const emails = new Counter({
    name: 'usher_emails_total',
    help: 'Finished emails by outcome (sent, rejected, expired, stored, decoy).',
    labelNames: ['end'],
    registers,
  });
  return {
    error: (code) => errors.inc({ code }),
    limit: (name) => limits.inc({ limit: name }),
    email: (end) => emails.inc({ end }),
  };
}

/** @returns The gauge that is set; the others are read when the metrics are requested. */
function createGauges(registry: Registry, { hashesWaiting, streams }: Gauges): Gauge {
  const registers = [registry];
  const emailsWaiting = new Gauge({
    name: 'usher_emails_waiting',
    help: 'Emails queued or being sent.',
    registers,
  });
  new Gauge({
    name: 'usher_hash_queue_length',
    help: 'Password hashes queued.',
    registers,
    collect() {
      this.set(hashesWaiting());
    },
  });
  new Gauge({
    name: 'usher_streams',
    help: 'Open live event streams.',
    registers,
    collect() {
      this.set(streams());
    },
  });
  return emailsWaiting;
}
