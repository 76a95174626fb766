import { settings, sourceLabels } from '../../config.ts';
import type { AppContext } from '../../context.ts';
import { inWords, settingsInForce } from '../../flows/admin/settings.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Prose } from '../docs-fields.tsx';
import { Badge, page, Row, Table } from '../layout.tsx';
import { adminArea } from './area.ts';

const PATH = '/admin/settings';

const head = ['Setting', 'Value', 'Source'] as const;

const help = new Map<string, string>(Object.values(settings).map((setting) => [setting.env, setting.help]));

/** The current settings and the source of each. They are changed at their source. */
export const settingsPage = (context: AppContext, call: SignedInCall): RouteResponse =>
  page(
    context,
    call,
    { title: 'Settings', area: adminArea, at: PATH },
    <>
      <h1>Settings</h1>
      <p class="lead">
        Current configuration (read-only). Change a setting at its source and restart the server.
      </p>
      <Table caption="Settings" head={head}>
        {settingsInForce(context.config, context.sources).map(({ name, value, source }) => (
          <Row
            head={head}
            cells={[
              <>
                <code>{name}</code>
                <p>
                  <Prose>{help.get(name) ?? ''}</Prose>
                </p>
              </>,
              value === null || inWords(value) === '' ? (
                <span class="quiet">Not set</span>
              ) : (
                <code>{inWords(value)}</code>
              ),
              source === 'default' ? (
                <span class="quiet">{sourceLabels[source]}</span>
              ) : (
                <Badge kind="accent">{sourceLabels[source]}</Badge>
              ),
            ]}
          />
        ))}
      </Table>
    </>,
  );
