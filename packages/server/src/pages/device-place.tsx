import { createContext, useContext } from 'hono/jsx';
import type { AppContext } from '../context.ts';
import { useTranslator } from './translator.tsx';

/** Where IP addresses are, which `page` provides to its parts. */
export const PlaceContext = createContext<AppContext['placeOf']>(() => '');

/** An IP address, and where it probably is if the installation knows. */
export function IpAndPlace({ ip }: { ip: string }) {
  const t = useTranslator();
  const place = useContext(PlaceContext)(ip, t);
  return <>{place === '' ? t('device.ip', { ip }) : t('device.ip_near', { ip, place })}</>;
}

/** A device with its IP address, and where it probably is if the installation knows. */
export function DeviceAtPlace({ device, ip }: { device: string; ip: string }) {
  const t = useTranslator();
  const place = useContext(PlaceContext)(ip, t);
  return <>{place === '' ? t('device.at', { device, ip }) : t('device.at_near', { device, ip, place })}</>;
}
