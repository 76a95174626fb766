import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import type { CountedRange } from '../core/rate-limits.ts';

/** Stands for a client whose IP address is unknown: a library host without a socket, or a Unix socket. */
export const UNKNOWN_IP = '0.0.0.0';

/** Whether an IP address, as `clientIp` formats it, is one of our own proxies. */
export type TrustedProxies = (ip: string) => boolean;

/**
 * Creates the test for our own proxies.
 *
 * @param list IP addresses and CIDR ranges, such as `10.0.0.0/8` and `fd00::1`.
 * @throws Error that names the first entry that is neither, that trusts everybody (a `/0`), or that writes IPv4 as
 * IPv6.
 */
export function trustProxies(list: string[]): TrustedProxies {
  if (list.length === 0) return () => false;
  // One list per address family: in a single one, ::/8 would also match every IPv4 address, as ::ffff:a.b.c.d.
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

// The text between two commas of a list, without the SP and HTAB around it (RFC 9110 section 5.6.1). This pattern runs
// in linear time: a trim by /[ \t]+$/ takes a second for a header full of spaces.
const spaced = /^[ \t]*([^ \t]+)[ \t]*$/;

/**
 * Determines the client's IP address for rate limits and logs. Trusts X-Forwarded-For only as far as our own proxies
 * wrote it: from the right, over trusted hops, to the first that is not ours. Ignores all other headers, since a proxy
 * that does not know a header passes on whatever the client made up.
 *
 * @param peer the remote IP address of the socket, if there is one.
 * @param forwardedFor the X-Forwarded-For header; several lines joined by commas, in order.
 * @returns canonical text without a zone, as IPv4 if possible. A hop that is not an IP address stops the walk at the
 * last valid one.
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

/**
 * The canonical form of an IP address (RFC 5952), without a zone; ::ffff:a.b.c.d becomes IPv4. Undefined if invalid.
 */
function canonical(ip: string): string | undefined {
  const dotted = asIPv4(ip);
  if (dotted !== undefined) return dotted;
  if (isIP(ip) === 0) return undefined;
  // `isIP` accepts a zone after any address, but SocketAddress throws if address and zone together are too long.
  const [withoutZone = ''] = ip.split('%', 1);
  const text = new SocketAddress({ address: withoutZone, family: 'ipv6' }).address;
  return asIPv4(text) ?? text;
}

/** A socket that listens on :: writes an IPv4 peer as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
function asIPv4(text: string): string | undefined {
  const dotted = text.startsWith('::ffff:') ? text.slice('::ffff:'.length) : text;
  return isIPv4(dotted) ? dotted : undefined;
}

/** The IPv6 ranges that rate limits count. `times` multiplies the maximum of the limit. */
const IPV6_RANGES = [
  { bits: 64, times: 1 },
  // What an ISP assigns to a home (RIPE 690), and to an office or on request.
  { bits: 56, times: 2 },
  { bits: 48, times: 3 },
] as const;

/**
 * The ranges that rate limits count for a client, the narrowest first. One client can have a whole IPv6 /56 or /48, so
 * these are counted too, with a higher maximum for the neighbors that may share them.
 *
 * @param ip any spelling of an IP address; invalid text counts as `UNKNOWN_IP`.
 * @returns only `a.b.c.d/32` for IPv4; a canonical `.../64`, `.../56` and `.../48` for IPv6.
 */
export function clientRanges(ip: string): readonly CountedRange[] {
  const text = canonical(ip) ?? UNKNOWN_IP;
  if (isIPv4(text)) return [{ subject: `${text}/32`, times: 1 }];
  const groups = groupsOf(text);
  return IPV6_RANGES.map(({ bits, times }) => ({ subject: ipv6Range(groups, bits), times }));
}

/**
 * The narrowest range in which one client can choose its IP address freely.
 *
 * @param ip any spelling of an IP address; invalid text counts as `UNKNOWN_IP`.
 * @returns `a.b.c.d/32`, or the canonical `.../64` of an IPv6 address: one string for all spellings of one range.
 */
export function ipRange(ip: string): string {
  const text = canonical(ip) ?? UNKNOWN_IP;
  return isIPv4(text) ? `${text}/32` : ipv6Range(groupsOf(text), 64);
}

function ipv6Range(groups: readonly string[], bits: 64 | 56 | 48): string {
  const [first, second, third, fourth = '0'] = groups;
  // The fourth group holds bits 49 to 64.
  const kept = Number.parseInt(fourth, 16) & (0xffff << (64 - bits));
  return `${canonical(`${first}:${second}:${third}:${kept.toString(16)}::`)}/${bits}`;
}

/** The eight groups of a canonical IPv6 address. Only the first four, which are the ones counted, are reliable. */
function groupsOf(text: string): string[] {
  const [left = '', right] = text.split('::');
  const groups = left === '' ? [] : left.split(':');
  if (right !== undefined) {
    // `::` stands for the zero groups that are missing. (A dotted end counts as two groups, but canonical text has one
    // only after 96 zero bits, where the count does not affect the first 64.)
    const after = right === '' ? [] : right.split(':');
    const missing = 8 - groups.length - after.length;
    groups.push(...Array<string>(missing).fill('0'), ...after);
  }
  return groups;
}
