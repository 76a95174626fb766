import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import type { CountedRange } from '../core/rate-limits.ts';

/** Stands for a client whose address nobody told us: a library's host without a socket, a Unix socket. */
export const UNKNOWN_IP = '0.0.0.0';

/** Whether an address, as `clientIp` writes it, is one of our own proxies. */
export type TrustedProxies = (ip: string) => boolean;

/**
 * Makes the test for our own proxies.
 *
 * @param list addresses and CIDR ranges, such as `10.0.0.0/8` and `fd00::1`.
 * @throws Error that names the first entry which is neither, which trusts everybody (a `/0`), or which writes IPv4 as IPv6.
 */
export function trustProxies(list: string[]): TrustedProxies {
  if (list.length === 0) return () => false;
  // One list per family: in a single one, ::/8 would also match every IPv4 address, as ::ffff:a.b.c.d.
  const ipv4 = new BlockList();
  const ipv6 = new BlockList();
  for (const entry of list) {
    const [ip = '', prefix] = entry.split('/', 2);
    const bits = isIPv4(ip) ? 32 : 128;
    const length = prefix === undefined ? bits : Number(prefix);
    checkEntry(entry, ip, length, bits);
    if (bits === 32) ipv4.addSubnet(ip, length, 'ipv4');
    else ipv6.addSubnet(ip, length, 'ipv6');
  }
  return (ip) => (isIPv4(ip) ? ipv4.check(ip, 'ipv4') : ipv6.check(ip, 'ipv6'));
}

function checkEntry(entry: string, ip: string, length: number, bits: number): void {
  const name = `"${entry}"`;
  if (isIP(ip) === 0 || ip.includes('%') || !/^[^/]+(?:\/(?:0|[1-9]\d{0,2}))?$/.test(entry) || length > bits)
    throw new Error(`${name} isn’t an IP address or a range such as 10.0.0.0/8 or fd00::/8.`);
  if (length === 0)
    throw new Error(
      `${name} includes every address, so anyone could spoof their IP. List only your proxies.`,
    );
  if (bits === 128 && isIPv4(canonical(ip) ?? ''))
    throw new Error(`${name} is an IPv4-mapped IPv6 address. Use the IPv4 form.`);
}

// What stands between two commas of a list, without SP and HTAB around it (RFC 9110 section 5.6.1). Linear as it is
// written: a trim by /[ \t]+$/ takes a second for a header full of spaces.
const spaced = /^[ \t]*([^ \t]+)[ \t]*$/;

/**
 * The address that limits and logs are to count for a request. X-Forwarded-For is believed as far as our own proxies
 * wrote it: from the right, over trusted hops, to the first that is not ours. All other headers are ignored, since a
 * proxy that does not know one passes on what the client made up.
 *
 * @param peer the other end of the socket, if there is one.
 * @param forwardedFor the X-Forwarded-For header; several lines joined by commas, in their order.
 * @returns canonical text without a zone, IPv4 wherever it can be; a hop that is no address stops the walk at the last
 *   good one.
 */
export function clientIp(
  peer: string | undefined,
  forwardedFor: string | null,
  trusted: TrustedProxies,
): string {
  let client = canonical(peer ?? '');
  if (client === undefined) return UNKNOWN_IP;
  let end = forwardedFor?.length ?? -1;
  while (forwardedFor !== null && end >= 0 && trusted(client)) {
    const comma = forwardedFor.lastIndexOf(',', end - 1);
    const hop = canonical(spaced.exec(forwardedFor.slice(comma + 1, end))?.[1] ?? '');
    if (hop === undefined) break;
    client = hop;
    end = comma;
  }
  return client;
}

/** The one spelling of an address, without a zone (RFC 5952); ::ffff:a.b.c.d is IPv4. Undefined when it is none. */
function canonical(ip: string): string | undefined {
  const dotted = asIPv4(ip);
  if (dotted !== undefined) return dotted;
  if (isIP(ip) === 0) return undefined;
  // `isIP` takes a zone after every address, but SocketAddress throws when both together are long.
  const [withoutZone = ''] = ip.split('%', 1);
  const text = new SocketAddress({ address: withoutZone, family: 'ipv6' }).address;
  return asIPv4(text) ?? text;
}

/** A socket that listens on :: writes an IPv4 peer as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
function asIPv4(text: string): string | undefined {
  const dotted = text.startsWith('::ffff:') ? text.slice('::ffff:'.length) : text;
  return isIPv4(dotted) ? dotted : undefined;
}

/** The IPv6 ranges that limits count, each with how many times the number of a limit it has. */
const IPV6_RANGES = [
  { bits: 64, times: 1 },
  // What a provider gives to a home (RIPE 690), and to an office or whoever asks for it.
  { bits: 56, times: 2 },
  { bits: 48, times: 3 },
] as const;

/**
 * The ranges that limits count a client by, the narrowest first. One client can have a whole /56 or /48 of IPv6, so these
 * are counted too, with more room for the neighbors that they may hold.
 *
 * @param address any spelling of an address; what is none counts as `UNKNOWN_IP`.
 * @returns `a.b.c.d/32` alone for IPv4; for IPv6 a canonical `.../64`, `.../56` and `.../48`.
 */
export function clientRanges(ip: string): readonly CountedRange[] {
  const text = canonical(ip) ?? UNKNOWN_IP;
  if (isIPv4(text)) return [{ subject: `${text}/32`, times: 1 }];
  const groups = groupsOf(text);
  return IPV6_RANGES.map(({ bits, times }) => ({ subject: ipv6Range(groups, bits), times }));
}

/**
 * The narrowest range in which one client can choose its address freely.
 *
 * @param address any spelling of an address; what is none counts as `UNKNOWN_IP`.
 * @returns `a.b.c.d/32`, or the canonical `.../64` of an IPv6 address: one string for all spellings of one range.
 */
export function ipRange(ip: string): string {
  const text = canonical(ip) ?? UNKNOWN_IP;
  return isIPv4(text) ? `${text}/32` : ipv6Range(groupsOf(text), 64);
}

function ipv6Range(groups: readonly string[], bits: 64 | 56 | 48): string {
  const [first, second, third, fourth = '0'] = groups;
  // The fourth group has the bits 49 to 64.
  const kept = Number.parseInt(fourth, 16) & (0xffff << (64 - bits));
  return `${canonical(`${first}:${second}:${third}:${kept.toString(16)}::`)}/${bits}`;
}

/** The eight groups of a canonical IPv6 address; at least the first four of them, which are all that is counted. */
function groupsOf(text: string): string[] {
  const [left = '', right] = text.split('::');
  const groups = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    // `::` stands for the zero groups that are missing to eight. (A dotted end would be two groups, but the canonical
    // text has one only behind 96 zero bits, where the count does not matter to the first 64.)
    const after = right === '' ? [] : right.split(':');
    const missing = 8 - groups.length - after.length;
    groups.push(...Array<string>(missing).fill('0'), ...after);
  }
  return groups;
}
