import { expect, it } from 'vitest';
import { createSeries } from '../../src/platform/series.ts';

/** Work that ends when it is told to, and says that it began. */
function newWork(name: string, begun: string[]) {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return {
    work: () => {
      begun.push(name);
      return promise;
    },
    end: () => resolve(name),
    fail: () => reject(new Error(name)),
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('runs what shares a key one after the other, and nothing else', async () => {
  const begun: string[] = [];
  const series = createSeries(8);
  const [a, ab] = [newWork('a', begun), newWork('ab', begun)];
  const [b, c] = [newWork('b', begun), newWork('c', begun)];
  const runs = [
    series.run(['a'], a.work),
    series.run(['a', 'b'], ab.work),
    series.run(['b'], b.work),
    series.run(['c'], c.work),
  ];
  await settled();
  expect(begun).toEqual(['a', 'c']);
  a.end();
  await settled();
  expect(begun).toEqual(['a', 'c', 'ab']);
  ab.fail();
  await expect(runs[1]).rejects.toThrow('ab');
  await settled();
  expect(begun).toEqual(['a', 'c', 'ab', 'b']);
  b.end();
  c.end();
  expect(await Promise.all([runs[0], runs[2], runs[3]])).toEqual(['a', 'b', 'c']);
});

it('takes no more for one key than it may, until one is over', async () => {
  const begun: string[] = [];
  const series = createSeries(2);
  const [one, two] = [newWork('one', begun), newWork('two', begun)];
  const first = series.run(['a'], one.work);
  const second = series.run(['a', 'b'], two.work);
  expect(series.run(['a'], newWork('three', begun).work)).toBeUndefined();
  expect(series.run(['c', 'a'], newWork('four', begun).work)).toBeUndefined();
  one.end();
  await first;
  await settled();
  const five = newWork('five', begun);
  const third = series.run(['a'], five.work);
  two.end();
  five.end();
  expect(await Promise.all([second, third])).toEqual(['two', 'five']);
  expect(begun).toEqual(['one', 'two', 'five']);
});
