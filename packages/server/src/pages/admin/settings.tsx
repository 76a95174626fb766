import { settings, sourceLabels } from '../../config.ts';
import type { World } from '../../context.ts';
import type { Answer, SignedInCall } from '../../edge/route.ts';
import { inWords, settingsInForce } from '../../flows/admin/settings.ts';
import { Prose } from '../docs-fields.tsx';
import { Badge, page, Table } from '../layout.tsx';
import { console } from './area.ts';

const PATH = '/admin/settings';

const help = new Map<string, string>(Object.values(settings).map((setting) => [setting.env, setting.help]));

/** The current settings and the source of each. They are changed at their source. */
export const settingsPage = (world: World, call: SignedInCall): Answer =>
  page(
    world,
    call,
    { title: 'Settings', area: console, at: PATH },
    <>
      <h1>Settings</h1>
      <p class="lead">
        Current configuration (read-only). Change a setting at its source and restart the server.
      </p>
      <Table caption="Settings" head={['Setting', 'Value', 'Source']}>
        {settingsInForce(world.config, world.sources).map(({ name, value, source }) => (
          <tr>
            <th scope="row">
              <code>{name}</code>
              <p>
                <Prose>{help.get(name) ?? ''}</Prose>
              </p>
            </th>
            <td class="value">
              {value === null || inWords(value) === '' ? (
                <span class="quiet">Not set</span>
              ) : (
                <code>{inWords(value)}</code>
              )}
            </td>
            <td>
              {source === 'default' ? (
                <span class="quiet">{sourceLabels[source]}</span>
              ) : (
                <Badge kind="accent">{sourceLabels[source]}</Badge>
              )}
            </td>
          </tr>
        ))}
      </Table>
    </>,
  );
