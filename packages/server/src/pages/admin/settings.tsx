import { settings } from '../../config.ts';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { inWords, settingsInForce } from '../../flows/admin/settings.ts';
import { Prose } from '../docs-fields.tsx';
import { Badge, page, Table } from '../layout.tsx';
import { console } from './area.ts';

const PATH = '/admin/settings';

const help = new Map<string, string>(Object.values(settings).map((setting) => [setting.env, setting.help]));

/** The settings as they count, and where each comes from. They are changed where they come from. */
export const settingsPage = (world: World, call: SignedInCall): Answer =>
  page(
    world,
    call,
    { title: 'Settings', area: console, at: PATH },
    <>
      <h1>Settings</h1>
      <p class="lead">
        As they are in force. They are changed where they come from, and count from the next start on.
      </p>
      <Table caption="Settings" head={['Setting', 'Value', 'From']}>
        {settingsInForce(world.config, world.sources).map(({ name, value, source }) => (
          <tr>
            <th scope="row">
              <code>{name}</code>
              <p>
                <Prose>{help.get(name) ?? ''}</Prose>
              </p>
            </th>
            <td class="value">
              {value === null || value === '' ? (
                <span class="quiet">not set</span>
              ) : (
                <code>{inWords(value)}</code>
              )}
            </td>
            <td>
              {source === 'default' ? (
                <span class="quiet">default</span>
              ) : (
                <Badge kind="accent">{source}</Badge>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </>,
  );
