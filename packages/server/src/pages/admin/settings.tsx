import { settings, sourceLabels } from '../../config.ts';
import type { AppContext } from '../../context.ts';
import { inWords, settingsInForce } from '../../flows/admin/settings.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { Prose } from '../docs-fields.tsx';
import { Badge, page, Row, Table } from '../layout.tsx';
import { translatorOf } from '../translator.tsx';
import { adminArea } from './area.ts';

const PATH = '/admin/settings';

const help = new Map<string, string>(Object.values(settings).map((setting) => [setting.env, setting.help]));

/** The current settings and the source of each. They are changed at their source. */
export function settingsPage(context: AppContext, call: SignedInCall): RouteResponse {
  const t = translatorOf(context, call);
  const title = t('admin.settings');
  const head = [t('admin.setting'), t('admin.setting_value'), t('admin.setting_source')];
  return page(
    context,
    call,
    { title, area: adminArea, at: PATH },
    <>
      <h1>{title}</h1>
      <p class="lead">{t('admin.settings_lead')}</p>
      <Table caption={title} head={head}>
        {settingsInForce(context.config, context.sources).map(({ name, value, source }) => (
          <Row
            head={head}
            cells={[
              <>
                <code>{name}</code>
                <p>
                  <bdi lang="en" dir="ltr">
                    <Prose>{help.get(name) ?? ''}</Prose>
                  </bdi>
                </p>
              </>,
              value === null || inWords(value) === '' ? (
                <span class="quiet">{t('admin.setting_not_set')}</span>
              ) : (
                <code dir="ltr">{inWords(value)}</code>
              ),
              <Source source={source} />,
            ]}
          />
        ))}
      </Table>
    </>,
  );
}

/** A value that the documentation names in English. */
const Source = ({ source }: { source: keyof typeof sourceLabels }) =>
  source === 'default' ? (
    <span class="quiet" lang="en">
      {sourceLabels[source]}
    </span>
  ) : (
    <Badge kind="accent">{sourceLabels[source]}</Badge>
  );
