import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFairQueue, type Requester } from '../../src/platform/fair-queue.ts';

const stranger = (range: string, account = range): Requester => ({ range, account, isKnown: false });
const known = (range: string, account = range): Requester => ({ range, account, isKnown: true });

/** All that wait, in the order of their turns. */
function drain<Item>(queue: { take(): Item | undefined }): Item[] {
  const items: Item[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) items.push(item);
  return items;
}

describe('turns', () => {
  it('D16: who comes after many of one range is next but one', () => {
    const queue = createFairQueue<string>(800);
    for (let i = 0; i < 70; i++) queue.add(stranger('attacker', `name ${i}`), 'attacker');
    queue.add(stranger('other'), 'other');
    expect(drain(queue).indexOf('other')).toBe(1);
  });

  it('D16: also within one range, by the account', () => {
    const queue = createFairQueue<string>(800);
    for (let i = 0; i < 40; i++) queue.add(stranger('shared', 'attacked'), 'attacker');
    queue.add(stranger('shared', 'other'), 'other');
    expect(drain(queue).indexOf('other')).toBe(1);
  });

  it('are taken by the known, strangers and the background alike, however many of each wait', () => {
    const queue = createFairQueue<string>(800);
    for (let i = 0; i < 90; i++) queue.add(stranger(`range ${i}`), 'stranger');
    for (let i = 0; i < 3; i++) queue.add(known('home'), 'known');
    queue.add('background', 'background');
    const order = drain(queue);
    expect(order.slice(0, 3).toSorted()).toEqual(['background', 'known', 'stranger']);
    expect(order.lastIndexOf('known')).toBeLessThan(7);
  });

  it('are in the order they came for one requester', () => {
    const queue = createFairQueue<number>(800);
    for (let i = 0; i < 40; i++) queue.add(stranger('a'), i);
    expect(drain(queue)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
});

describe('shares', () => {
  const fill = (queue: ReturnType<typeof createFairQueue<number>>, of: (i: number) => Requester) => {
    let taken = 0;
    for (let i = 0; i < 1_000; i++) if (queue.add(of(i), i)) taken++;
    return taken;
  };

  it('D15: a range has an eighth, its strangers three quarters of that', () => {
    const queue = createFairQueue<number>(160);
    expect(fill(queue, (i) => stranger('a', `name ${i}`))).toBe(15);
    expect(fill(queue, (i) => known('a', `user ${i}`))).toBe(5);
    expect(fill(queue, (i) => known('b', `user ${i}`))).toBe(20);
  });

  it('D15: an identifier has a sixteenth, from however many ranges', () => {
    const queue = createFairQueue<number>(160);
    expect(fill(queue, (i) => stranger(`range ${i}`, 'username eve'))).toBe(10);
    expect(fill(queue, (i) => stranger(`range ${i}`, 'email eve@example.org'))).toBe(10);
    expect(fill(queue, (i) => known(`range ${i}`, 'eve'))).toBe(10);
  });

  it('D15: strangers have three quarters of all, the known the rest', () => {
    const queue = createFairQueue<number>(160);
    expect(fill(queue, (i) => stranger(`range ${i}`))).toBe(120);
    expect(fill(queue, (i) => known(`range ${i}`))).toBe(40);
    expect(queue.add('background', 0)).toBe(false);
  });

  it('what is taken out keeps its place until it is released', () => {
    const queue = createFairQueue<number>(160);
    const eve = stranger('a');
    expect(fill(queue, () => eve)).toBe(10);
    queue.take();
    expect(queue.waiting()).toBe(9);
    expect(queue.add(eve, 0)).toBe(false);
    queue.release(eve);
    expect(queue.add(eve, 0)).toBe(true);
  });

  it('leave everybody at least one place, however small the queue', () => {
    const queue = createFairQueue<number>(4);
    expect([queue.add(stranger('a'), 1), queue.add(stranger('a'), 2)]).toEqual([true, false]);
    expect([queue.add(stranger('b'), 1), queue.add(known('c'), 2)]).toEqual([true, true]);
  });
});

describe('whatever is added, taken and released', () => {
  const requesters = fc.oneof(
    fc.constant('background' as const),
    fc.record({
      range: fc.constantFrom('a', 'b', 'c', 'd'),
      account: fc.constantFrom('u', 'v', 'w'),
      isKnown: fc.boolean(),
    }),
  );
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: requesters }) },
      { weight: 1, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constant('release' as const) },
    ),
    { maxLength: 300 },
  );

  it('no share is exceeded, nothing is lost or given twice, and at the end all places are free', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 16, max: 100 }), (all, places) => {
        const queue = createFairQueue<{ of: Requester }>(places);
        const waiting = new Set<{ of: Requester }>();
        const running: { of: Requester }[] = [];
        const take = () => {
          const item = queue.take();
          expect(item === undefined ? waiting.size : waiting.delete(item)).toBe(item ? true : 0);
          if (item) running.push(item);
        };
        for (const step of all) {
          if (step === 'take') take();
          else if (step === 'release') {
            const done = running.shift();
            if (done) queue.release(done.of);
          } else {
            const item = { of: step.add };
            if (queue.add(step.add, item)) waiting.add(item);
          }
          const held = [...waiting, ...running].map(({ of }) => of);
          expect(queue.waiting()).toBe(waiting.size);
          expect(held.length).toBeLessThanOrEqual(places);
          for (const range of ['a', 'b', 'c', 'd'])
            expect(held.filter((of) => of !== 'background' && of.range === range).length).toBeLessThanOrEqual(
              Math.floor(places / 8),
            );
        }
        while (waiting.size > 0) take();
        for (const { of } of running) queue.release(of);
        // As good as new: a whole queue of background calls fits.
        for (let i = 0; i < places; i++) expect(queue.add('background', { of: 'background' })).toBe(true);
      }),
    );
  });

  it('between two turns of a range, each other range that waits has one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('u', 'v')), { maxLength: 60 }),
        (asked) => {
          const queue = createFairQueue<string>(10_000);
          const left = new Map<string, number>();
          for (const [range, account] of asked) {
            queue.add(stranger(range, account), range);
            left.set(range, (left.get(range) ?? 0) + 1);
          }
          const order = drain(queue);
          expect(order).toHaveLength(asked.length);
          let since = new Map<string, Set<string>>();
          for (const range of order) {
            const between = since.get(range);
            if (between)
              for (const [other, count] of left)
                if (other !== range && count > 0) expect(between).toContain(other);
            for (const seen of since.values()) seen.add(range);
            since = new Map(since).set(range, new Set());
            left.set(range, (left.get(range) ?? 0) - 1);
          }
        },
      ),
    );
  });
});
