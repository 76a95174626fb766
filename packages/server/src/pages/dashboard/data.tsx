import type { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { HttpError } from '../../errors.ts';
import { deleteMe, type deleteMeBody } from '../../flows/account/me.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import { EmailField, PasswordField, passwordErrors } from '../field.tsx';
import { Actions, Button, ButtonLink, Cancel, Form } from '../form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { Say, translatorOf, useTranslator } from '../translator.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/data';
const DELETE_PATH = '/dashboard/delete';

/** Export the data or delete the account. */
export function dataPage(context: AppContext, call: SignedInCall): RouteResponse {
  const t = translatorOf(context, call);
  const title = t('account.nav_data');
  return page(
    context,
    call,
    { title, area: account, at: PATH },
    <>
      <h1>{title}</h1>
      <p class="lead">{t('account.data_lead')}</p>
      <Card title={t('account.export')}>
        <p>{t('account.export_lead')}</p>
        <Actions>
          <a class="button plain" href="/dashboard/data.json" download="my-data.json">
            {t('account.download')}
          </a>
        </Actions>
      </Card>
      <Card title={t('account.delete')}>
        <p>{t('account.delete_lead')}</p>
        <Actions>
          <ButtonLink href={DELETE_PATH} weight="danger">
            {t('account.delete_next')}
          </ButtonLink>
        </Actions>
      </Card>
    </>,
  );
}

export const deletePage = (context: AppContext, call: SignedInCall): RouteResponse =>
  showDelete(context, call, '');

export async function deleteSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof deleteMeBody>>,
): Promise<RouteResponse> {
  try {
    return seeOther('/?done=deleted', await deleteMe(context, call));
  } catch (error) {
    if (!(error instanceof HttpError) || error.code === 'invalid_token') throw error;
    return withErrorHeaders(error, showDelete(context, call, call.body.email, error));
  }
}

function showDelete(
  context: AppContext,
  call: SignedInCall<unknown>,
  email: string,
  error?: HttpError,
): RouteResponse {
  const errors = passwordErrors(error);
  const t = translatorOf(context, call);
  const title = t('account.delete');
  return page(
    context,
    call,
    { ...statusAndTitle(title, error, t), area: account, at: PATH, trail: [] },
    <>
      <h1>{title}</h1>
      {error && errors.length === 0 && (
        <Notice kind="bad">
          <Say of={error.text} />
        </Notice>
      )}
      <BeforeDeletion />
      <Card>
        <p>{t('account.delete_confirm')}</p>
        <Form action={DELETE_PATH}>
          <EmailField value={email} autocomplete="username" errors={errors} />
          <PasswordField
            name="password"
            label={t('fields.password')}
            autocomplete="current-password"
            errors={errors}
          />
          <Actions>
            <Button weight="final">{t('account.delete_final')}</Button>
            <Cancel href={PATH} />
          </Actions>
        </Form>
      </Card>
    </>,
  );
}

/** What deleting the account means. */
function BeforeDeletion() {
  const t = useTranslator();
  return (
    <Notice kind="warn">
      <p>{t('account.delete_no_undo')}</p>
      <ul>
        <li>{t('account.delete_signs_out')}</li>
        <li>{t('account.delete_frees_names')}</li>
        <li>{t('account.delete_apps')}</li>
      </ul>
      <p>{t.rich('account.delete_download', { link: (children) => <a href={PATH}>{children}</a> })}</p>
    </Notice>
  );
}
