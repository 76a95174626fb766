import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ConfigError, fileFault } from '../../config.ts';
import { normalisePassword } from '../passwords.ts';

/*
 * A list of breached passwords as a file. The first bits of each SHA-1 hash select a bucket, which holds the next 24
 * bits, sorted. With 128 entries per bucket, the probability of a false positive is 128 in 2^24, less than 1 in
 * 100,000; there are no false negatives.
 *
 *   header   64 bytes: magic, number of bucket bits, number of entries, checksums of the index and of the header
 *   index    2^bits + 1 numbers of 4 bytes: where each bucket begins, and where the last one ends
 *   entries  3 bytes each
 */

/** The bytes of a hash that the list uses: 24 bits for buckets, 24 for the entries in them. */
export const PREFIX_BYTES = 6;
export const ENTRY_BYTES = 3;
export const HEADER_BYTES = 64;
export const INDEX_BYTES = 4;
export const MAX_BUCKET_BITS = 24;

const MAGIC = 'USHERPW1';
const NO_LIST = 'Create one with: usher passwords build, or: usher passwords fetch';

/** An open list. Only its file is kept open; nothing is held in memory. */
export interface BreachedPasswords {
  /** The number of passwords in the list. */
  entries: number;
  /** Whether a password is in the list; a false positive for fewer than 1 in 100,000. Reads about 400 bytes. */
  has(password: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface Header {
  bucketBits: number;
  entries: number;
  indexChecksum: number;
}

export function encodeHeader({ bucketBits, entries, indexChecksum }: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt8(bucketBits, 8);
  bytes.writeUIntBE(entries, 10, 6);
  bytes.writeUInt32BE(indexChecksum, 16);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return bytes;
}

/** The bucket of a hash, and the part of it stored there. @param prefix Its first 48 bits. */
export function placeOf(prefix: number, bucketBits: number): { bucket: number; entry: number } {
  const bucket = Math.floor(prefix / 2 ** (48 - bucketBits));
  return { bucket, entry: Math.floor(prefix / 2 ** (24 - bucketBits)) % 2 ** 24 };
}

/** The first 48 bits of the password's SHA-1 hash. */
const prefixOf = (password: string): number =>
  createHash('sha1').update(password).digest().readUIntBE(0, PREFIX_BYTES);

/**
 * Opens a list, and checks everything but its entries, which are checked per bucket when they are read.
 *
 * @throws ConfigError that says what to do about a file that is missing, truncated or of another format.
 */
export async function openBreachedPasswords(path: string): Promise<BreachedPasswords> {
  const file = await open(path, 'r').catch((error: Error) => {
    throw new ConfigError(
      `USHER_BREACHED_PASSWORDS: couldn’t read ${path} (${fileFault(error)}). ${NO_LIST}`,
    );
  });
  try {
    const header = await readHeader(file, path);
    return {
      entries: header.entries,
      has: (password) => isListed(file, path, header, prefixOf(normalisePassword(password))),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readHeader(file: FileHandle, path: string): Promise<Header> {
  const { size } = await file.stat();
  const bytes = await read(file, path, 0, Math.min(size, HEADER_BYTES));
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new ConfigError(`USHER_BREACHED_PASSWORDS: ${path} isn’t a list of breached passwords. ${NO_LIST}`);
  const header = {
    bucketBits: bytes.readUInt8(8),
    entries: bytes.readUIntBE(10, 6),
    indexChecksum: bytes.readUInt32BE(16),
  };
  const isWhole =
    encodeHeader(header).equals(bytes) &&
    header.bucketBits <= MAX_BUCKET_BITS &&
    size === entriesAt(header) + header.entries * ENTRY_BYTES;
  if (!isWhole || (await checksumOfIndex(file, path, header)) !== header.indexChecksum) throw damaged(path);
  return header;
}

const entriesAt = ({ bucketBits }: Pick<Header, 'bucketBits'>): number =>
  HEADER_BYTES + (2 ** bucketBits + 1) * INDEX_BYTES;

async function checksumOfIndex(file: FileHandle, path: string, header: Header): Promise<number> {
  const end = entriesAt(header);
  let checksum = 0;
  for (let at = HEADER_BYTES; at < end; at += 1_048_576)
    checksum = crc32(await read(file, path, at, Math.min(1_048_576, end - at)), checksum);
  return checksum;
}

async function isListed(file: FileHandle, path: string, header: Header, prefix: number): Promise<boolean> {
  const { bucket, entry } = placeOf(prefix, header.bucketBits);
  const bounds = await read(file, path, HEADER_BYTES + bucket * INDEX_BYTES, 2 * INDEX_BYTES);
  const [begin, end] = [bounds.readUInt32BE(0), bounds.readUInt32BE(INDEX_BYTES)];
  if (begin > end || end > header.entries) throw damaged(path);
  const entries = await read(
    file,
    path,
    entriesAt(header) + begin * ENTRY_BYTES,
    (end - begin) * ENTRY_BYTES,
  );
  let isFound = false;
  for (let at = 0, before = -1; at < entries.length; at += ENTRY_BYTES) {
    const one = entries.readUIntBE(at, ENTRY_BYTES);
    if (one <= before) throw damaged(path);
    before = one;
    if (one === entry) isFound = true;
  }
  return isFound;
}

/** Without a readable list neither answer would be right, so no password can be chosen. */
async function read(file: FileHandle, path: string, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead < length) throw damaged(path);
  return buffer;
}

const damaged = (path: string): ConfigError =>
  new ConfigError(`USHER_BREACHED_PASSWORDS: ${path} is damaged or incomplete. ${NO_LIST}`);
