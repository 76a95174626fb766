import { isIP, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { clientIp, clientRanges, ipRange, trustProxies, UNKNOWN_IP } from '../../src/http/client-ip.ts';
import { cpuOf } from '../support/cpu.ts';

const proxies = trustProxies(['10.0.0.0/8', '127.0.0.1', 'fd00::/8', '::1']);
const nobody = trustProxies([]);

describe('clientIp', () => {
  test.each([
    ['no header', '10.0.0.1', null, '10.0.0.1'],
    ['one hop', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['white space around hops', '10.0.0.1', ' \t198.51.100.7\t , 10.0.0.2 ', '198.51.100.7'],
    ['no white space', '10.0.0.1', '198.51.100.7,10.0.0.2', '198.51.100.7'],
    ['a chain of our own', '10.0.0.1', '198.51.100.7, 10.0.0.3, 127.0.0.1, 10.0.0.2', '198.51.100.7'],
    ['our own hops only: the furthest', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['IPv6', '::1', '2001:DB8:0::1', '2001:db8::1'],
    ['an IPv4-mapped peer', '::ffff:10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['an IPv4-mapped peer in hexadecimal', '::FFFF:a00:1', '198.51.100.7', '198.51.100.7'],
    ['an IPv4-mapped hop', '10.0.0.1', '198.51.100.7, ::ffff:10.0.0.2', '198.51.100.7'],
    ['an IPv4-mapped client', '10.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    [
      'B5: made-up hops to the left of the client',
      '10.0.0.1',
      '1.1.1.1, 10.9.9.9, 198.51.100.7',
      '198.51.100.7',
    ],
    ['B5: two header lines, which Node joins', '10.0.0.1', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    ['B5: an invalid hop at the right', '10.0.0.1', '198.51.100.7, unknown', '10.0.0.1'],
    ['B5: an invalid hop behind a good one', '10.0.0.1', '1.1.1.1, junk, 10.0.0.2', '10.0.0.2'],
    ['B5: an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['B5: a comma alone', '10.0.0.1', ',', '10.0.0.1'],
    ['B5: an empty first hop', '10.0.0.1', ',10.0.0.2', '10.0.0.2'],
    ['B5: an empty last hop', '10.0.0.1', '198.51.100.7,', '10.0.0.1'],
    ['B5: a port', '10.0.0.1', '198.51.100.7:1234', '10.0.0.1'],
    ['B5: brackets', '10.0.0.1', '[2001:db8::1]', '10.0.0.1'],
    ['B5: octal digits', '10.0.0.1', '0198.51.100.07', '10.0.0.1'],
    ['B5: a hexadecimal number', '10.0.0.1', '0x7f.1', '10.0.0.1'],
    ['B5: a no-break space', '10.0.0.1', '\u00a0198.51.100.7', '10.0.0.1'],
    ['B5: a hop in two words', '10.0.0.1', '198.51.100.7 10.0.0.2', '10.0.0.1'],
  ])('B5: with %s', (_, peer, forwardedFor, client) => {
    expect(clientIp(peer, forwardedFor, proxies)).toBe(client);
  });

  test.each(['198.51.100.7', '11.0.0.1', '127.0.0.2', '::2', '2001:db8::1'])(
    'B5: believes nothing that the stranger %s forwards',
    (peer) => {
      expect(clientIp(peer, '1.1.1.1', proxies)).toBe(peer);
      expect(clientIp(peer, '1.1.1.1, 10.0.0.1', proxies)).toBe(peer);
    },
  );

  it('B5: believes nobody when no proxy is named', () => {
    for (const peer of ['10.0.0.1', '127.0.0.1', '::1']) expect(clientIp(peer, '1.1.1.1', nobody)).toBe(peer);
  });

  it('knows no client without a socket, whatever is forwarded', () => {
    for (const peer of [undefined, '', 'localhost', '/run/usher.sock'])
      expect(clientIp(peer, '1.1.1.1', trustProxies(['0.0.0.0', '10.0.0.0/8']))).toBe(UNKNOWN_IP);
  });

  it('drops zones', () => {
    expect(clientIp('fe80::1%eth0', null, nobody)).toBe('fe80::1');
    expect(clientIp('fe80:0::1%a.b-c:d', null, nobody)).toBe('fe80::1');
  });

  it('P12: a long IP address with a zone is an IP address, not a crash', () => {
    const longest = '0000:0000:0000:0000:0000:ffff:198.51.100.254';
    expect(clientIp('10.0.0.1', `${longest}%eth0`, proxies)).toBe('198.51.100.254');
    expect(clientIp('10.0.0.1', `${longest}%${'a'.repeat(15_000)}`, proxies)).toBe('198.51.100.254');
  });

  it('D8: takes time in proportion to 100 kB of anything', async () => {
    for (const part of [',', ' ', '\t', ' ,', '10.0.0.1,', ':', 'f', '1.', '%']) {
      for (const [start, end] of [
        ['', ''],
        ['1', '1'],
        ['1.1.1.1,', ',10.0.0.2'],
        ['1', ' 1,10.0.0.2'],
      ]) {
        const header = start + part.repeat(100_000 / part.length) + end;
        expect(await cpuOf(() => clientIp('10.0.0.1', header, proxies))).toBeLessThan(500);
      }
    }
  });

  it('B5: what a stranger writes to the left never changes the outcome', () => {
    const junk = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.5', '', ' ', 'x', ','));
    fc.assert(
      fc.property(fc.array(junk, { maxLength: 6 }), (left) => {
        const header = [...left, '198.51.100.7', '10.0.0.2'].join(', ');
        expect(clientIp('10.0.0.1', header, proxies)).toBe('198.51.100.7');
      }),
    );
  });

  it('gives an IP address without a zone, whatever comes', () => {
    const part = fc.constantFrom(
      '10.0.0.1',
      '::1',
      'fd00::5',
      ',',
      ' ',
      '%z',
      '::ffff:',
      '1.2.3.4',
      ':',
      'x',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const client = clientIp('10.0.0.1', parts.join(''), proxies);
        expect(isIP(client)).not.toBe(0);
        expect(client).not.toContain('%');
        expect(client).not.toMatch(/^::ffff:\d+\./);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('trustProxies', () => {
  test.each([
    ['10.0.0.0/8', '10.255.255.255', '11.0.0.0'],
    ['10.1.2.3/8', '10.0.0.0', '9.255.255.255'],
    ['192.0.2.4/31', '192.0.2.5', '192.0.2.6'],
    ['192.0.2.4', '192.0.2.4', '192.0.2.5'],
    ['192.0.2.4/32', '192.0.2.4', '192.0.2.3'],
    ['0.0.0.0/1', '127.255.255.255', '128.0.0.0'],
    ['2001:db8::/33', '2001:db8:7fff::1', '2001:db8:8000::1'],
    ['2001:DB8::1', '2001:db8::1', '2001:db8::2'],
    ['fd00::1/128', 'fd00::1', 'fd00::'],
    ['::/8', '::1', '1.2.3.4'],
    ['::/1', '1::', '127.0.0.1'],
  ])('%s has %s and not %s', (entry, inside, outside) => {
    const trusted = trustProxies([entry]);
    expect(trusted(inside)).toBe(true);
    expect(trusted(outside)).toBe(false);
  });

  it('trusts each of several', () => {
    for (const ip of ['10.1.1.1', '127.0.0.1', 'fd12::1', '::1']) expect(proxies(ip)).toBe(true);
  });

  test.each(['0.0.0.0/0', '::/0', '10.0.0.0/0', '2001:db8::/0'])(
    'B5: does not trust everybody: %s',
    (entry) => {
      expect(() => trustProxies(['127.0.0.1', entry])).toThrow(`"${entry}" includes every address`);
    },
  );

  test.each(['::ffff:10.0.0.1', '::ffff:0:0/96', '::ffff:a00:0/104', '::ffff:10.0.0.0/8'])(
    'B5: rejects IPv4 written as IPv6: %s',
    (entry) => {
      expect(() => trustProxies([entry])).toThrow(`"${entry}" is an IPv4-mapped IPv6 address`);
    },
  );

  test.each([
    '',
    'localhost',
    'all',
    '*',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/ 8',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8.5',
    '10.0.0.0/8/0',
    '10.0.0.0/8/',
    '10.0.0.0/1e1',
    '10.0.0.0/255.0.0.0',
    '10.0.0',
    '010.0.0.1',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '/8',
    'fe80::1%eth0',
    '[::1]',
  ])('names an entry that is no address: %j', (entry) => {
    expect(() => trustProxies(['127.0.0.1', entry])).toThrow(`"${entry}" isn’t an IP address`);
  });
});

describe('ipRange', () => {
  test.each([
    ['198.51.100.7', '198.51.100.7/32'],
    ['::ffff:198.51.100.7', '198.51.100.7/32'],
    ['0:0:0:0:0:ffff:c633:6407', '198.51.100.7/32'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['2001:db8:0:0:1::', '2001:db8::/64'],
    ['2001:0:0:1:2:3:4:5', '2001:0:0:1::/64'],
    ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
    ['::1:2:3:4:5:6:7', '0:1:2:3::/64'],
    ['::1', '::/64'],
    ['::', '::/64'],
    ['::1.2.3.4', '::/64'],
    ['64:ff9b::1.2.3.4', '64:ff9b::/64'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['fe80::2%eth1', 'fe80::/64'],
    ['junk', '0.0.0.0/32'],
    ['', '0.0.0.0/32'],
  ])('B4: of %s is %s', (ip, range) => {
    expect(ipRange(ip)).toBe(range);
  });

  test.each([
    ['198.51.100.7', ['198.51.100.7/32']],
    ['::ffff:198.51.100.7', ['198.51.100.7/32']],
    ['2001:db8:1:a1b2::1', ['2001:db8:1:a1b2::/64', '2001:db8:1:a100::/56', '2001:db8:1::/48']],
    ['2001:0DB8:0001:00ff::', ['2001:db8:1:ff::/64', '2001:db8:1::/56', '2001:db8:1::/48']],
    ['::1', ['::/64', '::/56', '::/48']],
    ['junk', ['0.0.0.0/32']],
  ])('B22: those of %s are %j, with room for more', (ip, ranges) => {
    expect(clientRanges(ip)).toEqual(ranges.map((subject, i) => ({ subject, times: i + 1 })));
  });

  /** Some spelling of eight groups: leading zeros, letter case, a run of zeros as `::`, a zone. */
  const spelling = (groups: number[]) =>
    fc
      .tuple(
        fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
        fc.nat(7),
        fc.nat(8),
        fc.constantFrom('', '%z'),
      )
      .map(([bits, from, length, zone]) => {
        const written = groups.map((group, i) => {
          const hex = bits[i] ? group.toString(16).padStart(4, '0') : group.toString(16);
          return bits[i + 8] ? hex.toUpperCase() : hex;
        });
        const run = groups.slice(from, from + length);
        if (run.length === 0 || run.some((group) => group !== 0)) return written.join(':') + zone;
        return `${written.slice(0, from).join(':')}::${written.slice(from + length).join(':')}${zone}`;
      });
  const group = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff));
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });

  it('B4: all spellings of a range are one string, which says its first 64 bits', () => {
    const pair = groups.chain((all) =>
      fc.tuple(
        fc.constant(all),
        spelling(all),
        group.chain((last) => spelling([...all.slice(0, 7), last])),
      ),
    );
    fc.assert(
      fc.property(pair, ([all, one, other]) => {
        fc.pre(all.slice(0, 5).some((part) => part !== 0) || all[5] !== 0xffff); // that is IPv4
        const range = ipRange(one);
        expect(ipRange(other)).toBe(range);
        const first = all.slice(0, 4).map((part) => part.toString(16));
        expect(range).toBe(`${new URL(`http://[${first.join(':')}:0:0:0:0]`).hostname.slice(1, -1)}/64`);
      }),
      { numRuns: 5000 },
    );
  });

  it('B4: different ranges are different strings, and a range is its own', () => {
    fc.assert(
      fc.property(groups, groups, (one, other) => {
        const text = (all: number[]) => all.map((part) => part.toString(16)).join(':');
        const range = ipRange(text(one));
        const ip = range.slice(0, range.indexOf('/'));
        expect(ipRange(ip)).toBe(range);
        const isSame = one.slice(0, 4).join() === other.slice(0, 4).join();
        const isPlain = !isIPv4(ip) && !isIPv4(ipRange(text(other)).replace('/32', ''));
        if (isPlain) expect(ipRange(text(other)) === range).toBe(isSame);
      }),
      { numRuns: 2000 },
    );
  });
});
