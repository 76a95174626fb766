/** The requester of a password hash, which determines its turn and how many calls may wait. */
export type Requester =
  | {
      /** The request's IP range. */
      range: string;
      /** The identifier that was entered, whether an account has it or not; for known requesters, the account's id. */
      account: string;
      /** Whether the account knows the requester: by a device cookie, a session, or a link sent by email. */
      isKnown: boolean;
    }
  /** Jobs and commands: strangers cannot start them. */
  | 'background';

/** Calls that wait for a thread, and whose turn it is. */
export interface FairQueue<Item> {
  /** @returns false if the queue or the requester's share of it is full: the item is then not added. */
  add(requester: Requester, item: Item): boolean;
  /** Takes the next item. Its place stays occupied until `release`. */
  take(): Item | undefined;
  /** Releases the place of an item that is done. */
  release(requester: Requester): void;
  /** The number of waiting items. */
  waiting(): number;
}

/** The maximum share of the places per IP range. */
const RANGE_SHARE = 1 / 8;
/** The maximum share per identifier: an account has two, and strangers must not learn that they belong together. */
const ACCOUNT_SHARE = 1 / 16;
/** The share of all places, and of each range's, that strangers can use; the rest is reserved for known requesters. */
const STRANGERS_SHARE = 3 / 4;

/**
 * A queue in which no requester can block or delay others. Known requesters, strangers and background work take turns;
 * within each of these the IP ranges do, and within a range the accounts. Each range and account has a limited number
 * of places.
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

/** Nodes that take turns, in the order of their next turn; a leaf holds the waiting items. */
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

/** After its turn, a node goes to the end of the line. */
function takeFrom<Item>(line: Line<Item>): Item | undefined {
  const [first] = line.next;
  if (!first) return line.items.shift();
  const [name, next] = first;
  const item = takeFrom(next);
  line.next.delete(name);
  if (next.next.size > 0 || next.items.length > 0) line.next.set(name, next);
  return item;
}
