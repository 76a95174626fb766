/** Node.js names these zones as they were called before; people look for the name of today. */
const current: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Godthab': 'America/Nuuk',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
};

/** The longest name of the IANA database has 32 characters. */
const MAX_LENGTH = 64;

/** The name of a time zone as the IANA database writes it; undefined for anything else, such as `+01:00`. */
export function canonicalTimeZone(given: string): string | undefined {
  if (given.length > MAX_LENGTH || !/^[A-Za-z]/.test(given)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions();
    return current[timeZone] ?? timeZone;
  } catch {
    return undefined;
  }
}

/** The regions of the IANA database. */
export const regions = [
  'Africa',
  'America',
  'Antarctica',
  'Arctic',
  'Asia',
  'Atlantic',
  'Australia',
  'Europe',
  'Indian',
  'Pacific',
] as const;

export interface TimeZone {
  name: string;
  /** What people call it: its city, such as `Berlin`. */
  city: string;
}

let byRegion: Map<(typeof regions)[number], TimeZone[]> | undefined;

/** All time zones with a city by region, in the order of the cities. */
export function timeZonesByRegion(): ReadonlyMap<(typeof regions)[number], readonly TimeZone[]> {
  byRegion ??= new Map(regions.map((region) => [region, zonesOf(region)]));
  return byRegion;
}

function zonesOf(region: string): TimeZone[] {
  return Intl.supportedValuesOf('timeZone')
    .map((name) => current[name] ?? name)
    .filter((name) => name.startsWith(`${region}/`))
    .map((name) => ({ name, city: cityOf(name) }))
    .sort((one, other) => one.city.localeCompare(other.city, 'en'));
}

/** `Argentina, Buenos Aires` of `America/Argentina/Buenos_Aires`. */
const cityOf = (name: string): string => name.split('/').slice(1).join(', ').replaceAll('_', ' ');
