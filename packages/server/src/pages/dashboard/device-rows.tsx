import { useContext } from 'hono/jsx';
import type { ListedDevice } from '../../core/devices.ts';
import type { ListedSession } from '../../core/sessions.ts';
import { DeviceItem } from '../device-item.tsx';
import { Button, Form } from '../form.tsx';
import { Icon } from '../icon.tsx';
import { Ago } from '../time.tsx';
import { TimeZoneContext, useTranslator } from '../translator.tsx';
import { deviceTitle } from './device.ts';
import { DEVICES_PATH, renamePath } from './device-forms.tsx';

interface SessionRowProps {
  session: ListedSession;
  now: number;
  isThis?: boolean;
}

/** A session in the list, with what its owner can do with it. */
export function SessionRow({ session, now, isThis = false }: SessionRowProps) {
  const t = useTranslator();
  const timeZone = useContext(TimeZoneContext);
  const times = (
    <>
      {t.rich('device.last_active', {
        time: () => <Ago at={session.last_seen_at} now={now} />,
        since: () => <Ago at={session.created_at} now={now} />,
      })}
      {session.kept_until !== null && (
        <> · {t('devices.kept_until', { date: t.day(session.kept_until, timeZone) })}</>
      )}
    </>
  );
  return (
    <DeviceItem device={session} isThis={isThis} times={times}>
      <div class="actions">
        {session.device_id !== null && <Rename device={session} id={session.device_id} />}
        {!isThis && (
          <Form action={DEVICES_PATH} shape="inline" hidden={{ session: session.id }}>
            <Button weight="plain" small label={t('devices.sign_out_which', whichOf(session, t))}>
              <Icon name="log-out" />
              {t('devices.sign_out')}
            </Button>
          </Form>
        )}
      </div>
    </DeviceItem>
  );
}

interface DeviceRowProps {
  device: ListedDevice;
  now: number;
  isThis: boolean;
}

/** A known device in the list, with what its owner can do with it. */
export function DeviceRow({ device, now, isThis }: DeviceRowProps) {
  const t = useTranslator();
  const times = (
    <>
      {t.rich('device.last_sign_in', {
        time: () => <Ago at={device.last_used_at} now={now} />,
        since: () => <Ago at={device.created_at} now={now} />,
      })}
    </>
  );
  return (
    <DeviceItem device={device} isThis={isThis} times={times}>
      <div class="actions">
        <Rename device={device} id={device.id} />
        <Form action={DEVICES_PATH} shape="inline" hidden={{ device: device.id }}>
          <Button weight="plain" small label={t('devices.remove_which', whichOf(device, t))}>
            <Icon name="trash-2" />
            {t('devices.remove')}
          </Button>
        </Form>
      </div>
    </DeviceItem>
  );
}

type Named = Pick<ListedDevice, 'name' | 'user_agent' | 'ip'>;

/** What tells a device from the others in the name of a button. */
const whichOf = (device: Named, t: ReturnType<typeof useTranslator>) => ({
  device: deviceTitle(device, t),
  ip: device.ip,
});

function Rename({ device, id }: { device: Named; id: string }) {
  const t = useTranslator();
  return (
    <a
      class="button plain small"
      href={renamePath(id)}
      aria-label={t('devices.rename_which', whichOf(device, t))}
    >
      <Icon name="pencil" />
      {t('devices.rename')}
    </a>
  );
}
