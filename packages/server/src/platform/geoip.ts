import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Reader, type Response } from 'mmdb-lib';
import { ConfigError } from '../config.ts';

/** Names of a city or country by language tag, such as `{ en: 'Vienna', de: 'Wien' }`. */
export type PlaceNames = Readonly<Record<string, string>>;

/** Where an IP address probably is. */
export interface FoundPlace {
  city: PlaceNames | undefined;
  country: PlaceNames | undefined;
  /** ISO 3166-1, two letters. */
  countryCode: string | undefined;
}

/** Finds the place of an IP address; undefined if the database does not have it. */
export type FindPlace = (ip: string) => FoundPlace | undefined;

/** The part that databases of cities and of countries have in common, by any vendor. A damaged entry has other types. */
type Found = Response & {
  city?: { names?: unknown };
  country?: { names?: unknown; iso_code?: unknown };
};

/**
 * Opens a database of places in MaxMind's format (GeoLite2, GeoIP2, DB-IP). It is read into memory once.
 *
 * @param file `USHER_GEOIP`
 * @throws ConfigError that says what is wrong with the file.
 */
export function openGeoip(file: string): FindPlace {
  const fail = (why: string) => new ConfigError(`USHER_GEOIP (--geoip): ${file}: ${why}`);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw fail(`cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  const reader = open(bytes);
  if (reader === undefined) throw fail('not a database in MaxMind’s format (.mmdb).');
  const { databaseType, ipVersion } = reader.metadata;
  if (!/City|Country/i.test(databaseType))
    throw fail(`a database of type ${databaseType}; Usher needs one of cities or countries.`);
  return (ip) => {
    const version = isIP(ip);
    if (version === 0 || version > ipVersion) return undefined;
    const found = read(reader, ip);
    if (!found) return undefined;
    const { city, country } = found;
    const code = country?.iso_code;
    return {
      city: namesOf(city?.names),
      country: namesOf(country?.names),
      countryCode: typeof code === 'string' ? code : undefined,
    };
  };
}

/** No place has a longer name. In UTF-16 units. */
const LONGEST_NAME = 200;

/** The names that are one line of text: pages and emails show them between their own words. */
const namesOf = (names: unknown): PlaceNames | undefined =>
  typeof names === 'object' && names !== null
    ? Object.fromEntries(Object.entries(names).filter(([, name]) => isOneLine(name)))
    : undefined;

const isOneLine = (name: unknown): name is string =>
  typeof name === 'string' &&
  name.length <= LONGEST_NAME &&
  !/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(name);

function open(bytes: Buffer): Reader<Found> | undefined {
  try {
    const reader = new Reader<Found>(bytes);
    // A file that was cut off has its description at its end no more; one that was damaged names impossible sizes.
    return reader.metadata.searchTreeSize < bytes.length ? reader : undefined;
  } catch {
    return undefined;
  }
}

/** A damaged entry is no place: it must not fail the page that shows it. */
function read(reader: Reader<Found>, ip: string): Found | null {
  try {
    return reader.get(ip);
  } catch {
    return null;
  }
}
