import type { Child } from 'hono/jsx';
import { deviceIcon, deviceOf } from './dashboard/device.ts';
import { Icon } from './icon.tsx';
import { Badge } from './layout.tsx';

interface DeviceItemProps {
  /** A session, or a known device. */
  device: { kind: string; user_agent: string | null; ip: string };
  isThis?: boolean;
  /** When it was used. */
  times: Child;
  /** What can be done with it. */
  children?: Child;
}

/** A device in a list: what it is, where and when it was used. */
export const DeviceItem = ({ device, isThis = false, times, children }: DeviceItemProps) => (
  <li>
    <div class="with-icon">
      <Icon name={deviceIcon(device.kind, device.user_agent)} />
      <div>
        <p>
          <strong>{deviceOf(device.user_agent)}</strong> {isThis && <Badge kind="good">This device</Badge>}
          {device.kind === 'bearer' && <Badge>API client</Badge>}
        </p>
        <p class="note">{times}</p>
        <p class="note">IP {device.ip}</p>
      </div>
    </div>
    {children}
  </li>
);
