/** A value of MaxMind's format, as far as tests need it. */
type Value = string | number | readonly Value[] | { readonly [name: string]: Value };

const NODE_BYTES = 6;
const SEPARATOR = 16;

/**
 * Writes a database in MaxMind's format (version 2.0), with 24-bit records.
 *
 * @param networks The records by IPv4 network, such as `192.0.2.0/24`.
 */
export function writeMmdb(networks: Readonly<Record<string, Value>>, type = 'Test-City'): Buffer {
  const { nodes, data } = treeOf(networks);
  const tree = Buffer.alloc(nodes.length * NODE_BYTES);
  for (const [index, sides] of nodes.entries())
    for (const [side, to] of sides.entries()) {
      const record =
        to === undefined ? nodes.length : 'node' in to ? to.node : nodes.length + SEPARATOR + to.at;
      tree.writeUIntBE(record, index * NODE_BYTES + side * 3, 3);
    }
  const about = {
    node_count: nodes.length,
    record_size: 24,
    ip_version: 4,
    database_type: type,
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    description: { en: 'A database for tests' },
  };
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
  return Buffer.concat([tree, Buffer.alloc(SEPARATOR), data, marker, encode(about)]);
}

type Side = { node: number } | { at: number } | undefined;

/** The search tree, and the records that its leaves are the offsets of. */
function treeOf(networks: Readonly<Record<string, Value>>): { nodes: [Side, Side][]; data: Buffer } {
  const nodes: [Side, Side][] = [[undefined, undefined]];
  let data = Buffer.alloc(0);
  for (const [network, record] of Object.entries(networks)) {
    const [ip = '', length = '32'] = network.split('/');
    const bits = ip.split('.').flatMap((byte) => [...Number(byte).toString(2).padStart(8, '0')].map(Number));
    let at = 0;
    for (const [depth, bit] of bits.slice(0, Number(length)).entries()) {
      const node = nodes[at] as [Side, Side];
      if (depth === Number(length) - 1) node[bit as 0 | 1] = { at: data.length };
      else {
        let next = node[bit as 0 | 1];
        if (next === undefined || !('node' in next)) {
          next = { node: nodes.push([undefined, undefined]) - 1 };
          node[bit as 0 | 1] = next;
        }
        at = next.node;
      }
    }
    data = Buffer.concat([data, encode(record)]);
  }
  return { nodes, data };
}

const STRING = 2;
const UINT32 = 6;
const MAP = 7;
const ARRAY = 11;

function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(STRING, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)]);
  const entries = Object.entries(value as Record<string, Value>);
  return Buffer.concat([control(MAP, entries.length), ...entries.flat().map((one) => encode(one as Value))]);
}

/** The type and the size of a value. */
function control(type: number, size: number): Buffer {
  const [short, long] = size < 29 ? [size, []] : [29, [size - 29]];
  return type > 7 ? Buffer.from([short, type - 7, ...long]) : Buffer.from([(type << 5) | short, ...long]);
}
