/** On whose behalf a password is hashed: it decides whose turn it is, and how many calls may wait. */
export type Requester =
  | {
      /** The IP range that the request came from. */
      range: string;
      /** The identifier that was given, whether an account has it or not; of somebody known, the id of the account. */
      account: string;
      /** Whether the account knows who asks: by a device cookie, a session, or a link from its mailbox. */
      isKnown: boolean;
    }
  /** Jobs and commands: no stranger can start one. */
  | 'background';

/** Calls that wait for a thread, and whose turn it is. */
export interface FairQueue<Item> {
  /** @returns False when the queue or the requester's share of it is full: then nothing has changed. */
  add(requester: Requester, item: Item): boolean;
  /** Takes out what is next. Its place stays taken until `release`. */
  take(): Item | undefined;
  /** The item that was taken is done. */
  release(requester: Requester): void;
  /** How many wait. */
  waiting(): number;
}

/** No range has more than this part of the places. */
const RANGE_SHARE = 1 / 8;
/** Nor one identifier more than this: an account has two of them, and strangers must not learn which belong together. */
const ACCOUNT_SHARE = 1 / 16;
/** Strangers have this part of all places, and of those of their range; the others are for those who are known. */
const STRANGERS_SHARE = 3 / 4;

/**
 * A queue in which nobody can keep others out or waiting. Known requesters, strangers and the background take turns;
 * among each of these the ranges do, and within a range the accounts. Places are bounded for each range and account.
 *
 * @param places How many calls may wait or run at once.
 */
export function createFairQueue<Item>(places: number): FairQueue<Item> {
  const all = newLine<Item>();
  const taken = new Map<string, number>();
  let waiting = 0;
  const limitsOf = limitsFor(places);
  return {
    add(requester, item) {
      const limits = limitsOf(requester);
      if (limits.some(({ of, most }) => (taken.get(of) ?? 0) >= most)) return false;
      for (const { of } of limits) taken.set(of, (taken.get(of) ?? 0) + 1);
      putInto(all, pathOf(requester), item);
      waiting++;
      return true;
    },
    take() {
      if (waiting === 0) return undefined;
      waiting--;
      return takeFrom(all);
    },
    release(requester) {
      for (const { of } of limitsOf(requester)) {
        const left = (taken.get(of) ?? 0) - 1;
        if (left > 0) taken.set(of, left);
        else taken.delete(of);
      }
    },
    waiting: () => waiting,
  };
}

interface Limit {
  of: string;
  most: number;
}

function limitsFor(places: number): (requester: Requester) => Limit[] {
  const part = (share: number) => Math.max(1, Math.floor(places * share));
  return (requester) => {
    const total = { of: 'all', most: places };
    if (requester === 'background') return [total];
    const { range, account, isKnown } = requester;
    const shared = [total, { of: `range ${range}`, most: part(RANGE_SHARE) }];
    const ofAccount = part(ACCOUNT_SHARE);
    if (isKnown) return [...shared, { of: `known account ${account}`, most: ofAccount }];
    return [
      ...shared,
      { of: 'strangers', most: part(STRANGERS_SHARE) },
      { of: `strangers in ${range}`, most: part(RANGE_SHARE * STRANGERS_SHARE) },
      { of: `account ${account}`, most: ofAccount },
    ];
  };
}

const pathOf = (requester: Requester): string[] =>
  requester === 'background'
    ? ['background']
    : [requester.isKnown ? 'known' : 'strangers', requester.range, requester.account];

/** Those who take turns, in the order of their next turn; at the end of a path, what waits there. */
interface Line<Item> {
  next: Map<string, Line<Item>>;
  items: Item[];
}

const newLine = <Item>(): Line<Item> => ({ next: new Map(), items: [] });

function putInto<Item>(line: Line<Item>, [first, ...rest]: string[], item: Item): void {
  if (first === undefined) {
    line.items.push(item);
    return;
  }
  const next = line.next.get(first) ?? newLine<Item>();
  line.next.set(first, next);
  putInto(next, rest, item);
}

/** Whoever had a turn goes to the end of the line. */
function takeFrom<Item>(line: Line<Item>): Item | undefined {
  const [first] = line.next;
  if (!first) return line.items.shift();
  const [name, next] = first;
  const item = takeFrom(next);
  line.next.delete(name);
  if (next.next.size > 0 || next.items.length > 0) line.next.set(name, next);
  return item;
}
