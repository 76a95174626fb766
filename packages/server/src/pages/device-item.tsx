import type { Child } from 'hono/jsx';
import { deviceIcon, deviceOf, deviceTitle } from './dashboard/device.ts';
import { IpAndPlace } from './device-place.tsx';
import { Icon } from './icon.tsx';
import { Badge } from './layout.tsx';
import { useTranslator } from './translator.tsx';

interface DeviceItemProps {
  /** A session, or a known device. */
  device: { kind: string; name: string | null; user_agent: string | null; ip: string };
  isThis?: boolean;
  /** When it was used. */
  times: Child;
  /** What can be done with it. */
  children?: Child;
}

/** A device in a list: what it is, where and when it was used. */
export function DeviceItem({ device, isThis = false, times, children }: DeviceItemProps) {
  const t = useTranslator();
  return (
    <li>
      <div class="with-icon">
        <Icon name={deviceIcon(device.kind, device.user_agent)} />
        <div>
          <p>
            <strong>
              <bdi>{deviceTitle(device, t)}</bdi>
            </strong>{' '}
            {isThis && <Badge kind="good">{t('device.this')}</Badge>}
            {device.kind === 'bearer' && <Badge>{t('device.api_client')}</Badge>}
          </p>
          <p class="note">{times}</p>
          <p class="note">
            {device.name !== null && `${deviceOf(device.user_agent, t)} · `}
            <IpAndPlace ip={device.ip} />
          </p>
        </div>
      </div>
      {children}
    </li>
  );
}
