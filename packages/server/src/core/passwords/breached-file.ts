import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  ENTRY_BYTES,
  encodeHeader,
  HEADER_BYTES,
  INDEX_BYTES,
  MAX_BUCKET_BITS,
  PREFIX_BYTES,
  placeOf,
} from './breached.ts';

/** The number of parts, each sorted in memory: the hashes that start with the same byte. */
const PARTS = 256;
const BUFFERED = 65_536 - (65_536 % PREFIX_BYTES);
/** The maximum average number of entries per bucket. */
const BUCKET = 128;

/** Collects the hashes of a list, in any order: a folder with one file per first byte. */
export class HashParts {
  readonly folder: string;
  #files = new Map<number, { descriptor: number; buffer: Buffer; used: number }>();
  /** The number of hashes added. */
  count = 0;

  /** @param folder Created if it is missing. */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** @param hash At least the first six bytes of the hash. */
  add(hash: Buffer): void {
    const first = hash[0] as number;
    let file = this.#files.get(first);
    if (!file) {
      const descriptor = openSync(partOf(this.folder, first), 'wx', 0o600);
      file = { descriptor, buffer: Buffer.allocUnsafe(BUFFERED), used: 0 };
      this.#files.set(first, file);
    }
    file.used += hash.copy(file.buffer, file.used, 0, PREFIX_BYTES);
    this.count += 1;
    if (file.used === BUFFERED) {
      writeAll(file.descriptor, file.buffer);
      file.used = 0;
    }
  }

  close(): void {
    for (const { descriptor, buffer, used } of this.#files.values()) {
      writeAll(descriptor, buffer.subarray(0, used));
      closeSync(descriptor);
    }
    this.#files.clear();
  }
}

export const partOf = (folder: string, first: number): string =>
  join(folder, first.toString(16).padStart(2, '0').toUpperCase());

/**
 * Writes a list of the hashes in a folder of parts. The file appears only when it is complete, and replaces an existing
 * one.
 *
 * @param count The number of hashes, including duplicates.
 * @returns The number of entries in the list.
 */
export function writeBreachedPasswords(path: string, folder: string, count: number): number {
  const bucketBits = Math.min(MAX_BUCKET_BITS, Math.max(0, Math.ceil(Math.log2(count / BUCKET))));
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.part`;
  const descriptor = openSync(unfinished, 'wx', 0o644);
  try {
    const index = Buffer.alloc((2 ** bucketBits + 1) * INDEX_BYTES);
    let entries = 0;
    let next = 0;
    // A bucket begins where the previous one ends; an empty bucket begins and ends there.
    const beginUpTo = (bucket: number) => {
      for (; next <= bucket; next += 1) index.writeUInt32BE(entries, next * INDEX_BYTES);
    };
    for (let first = 0; first < PARTS; first += 1) {
      const written = Buffer.from(
        entriesOf(readPart(folder, first), bucketBits, (bucket) => {
          beginUpTo(bucket);
          entries += 1;
        }),
      );
      writeAll(
        descriptor,
        written,
        HEADER_BYTES + index.length + (entries - written.length / ENTRY_BYTES) * ENTRY_BYTES,
      );
    }
    beginUpTo(2 ** bucketBits);
    writeAll(descriptor, encodeHeader({ bucketBits, entries, indexChecksum: crc32(index) }), 0);
    writeAll(descriptor, index, HEADER_BYTES);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(unfinished, path);
    return entries;
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** The entries of sorted hashes, without duplicates. @param note Called for each entry with its bucket. */
function entriesOf(prefixes: Float64Array, bucketBits: number, note: (bucket: number) => void): Buffer {
  const bytes = Buffer.allocUnsafe(prefixes.length * ENTRY_BYTES);
  let used = 0;
  let last = { bucket: -1, entry: -1 };
  for (const prefix of prefixes) {
    const place = placeOf(prefix, bucketBits);
    if (place.bucket === last.bucket && place.entry === last.entry) continue;
    last = place;
    note(place.bucket);
    used = bytes.writeUIntBE(place.entry, used, ENTRY_BYTES);
  }
  return bytes.subarray(0, used);
}

function readPart(folder: string, first: number): Float64Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(partOf(folder, first));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Float64Array();
    throw error;
  }
  const prefixes = new Float64Array(bytes.length / PREFIX_BYTES);
  for (let i = 0; i < prefixes.length; i += 1) prefixes[i] = bytes.readUIntBE(i * PREFIX_BYTES, PREFIX_BYTES);
  return prefixes.sort();
}

function writeAll(descriptor: number, bytes: Buffer, at?: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(descriptor, bytes, done, bytes.length - done, at === undefined ? null : at + done);
}
