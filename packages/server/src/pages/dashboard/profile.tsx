import { z } from 'zod';
import type { AppContext } from '../../context.ts';
import { type FieldError, HttpError } from '../../errors.ts';
import { changeMe, type changeMeBody } from '../../flows/account/me.ts';
import type { Profile } from '../../flows/accounts/profile.ts';
import type { RouteResponse, SignedInCall } from '../../http/route.ts';
import type { Languages } from '../../languages/languages.ts';
import { timeZonesByRegion } from '../../languages/time-zones.ts';
import type { Translator } from '../../languages/translator.ts';
import { type ProfileColumn, profileColumns, type UserField, userFields } from '../../user-fields.ts';
import { Field } from '../field.tsx';
import { Actions, Button, Form, FormErrors } from '../form.tsx';
import { Card, Notice, page, seeOther, statusAndTitle, withErrorHeaders } from '../layout.tsx';
import { type Option, SelectField } from '../select-field.tsx';
import { translatorOf, useTranslator } from '../translator.tsx';
import { account } from './area.ts';

const PATH = '/dashboard/profile';

export const profileQuery = z.object({ done: z.literal('saved').optional().catch(undefined) });

export const profilePage = (
  context: AppContext,
  call: SignedInCall<undefined, z.infer<typeof profileQuery>>,
): RouteResponse =>
  show(context, call, { profile: call.activeSession.user, isSaved: call.query.done === 'saved' });

export async function profileSubmit(
  context: AppContext,
  call: SignedInCall<z.infer<typeof changeMeBody>>,
): Promise<RouteResponse> {
  try {
    await changeMe(context, call);
    return seeOther(`${PATH}?done=saved`);
  } catch (error) {
    if (!(error instanceof HttpError && error.fields)) throw error;
    const { status, fields } = error;
    return withErrorHeaders(error, show(context, call, { profile: call.body, status, errors: fields }));
  }
}

interface Shown {
  profile: Profile;
  isSaved?: boolean;
  status?: number;
  errors?: FieldError[];
}

function show(
  context: AppContext,
  call: SignedInCall<unknown, unknown>,
  { profile, isSaved, status = 200, errors = [] }: Shown,
): RouteResponse {
  const t = translatorOf(context, call);
  const title = t('account.nav_profile');
  return page(
    context,
    call,
    { ...statusAndTitle(title, status < 400 ? undefined : { status }, t), area: account, at: PATH },
    <>
      <h1>{title}</h1>
      <p class="lead">{t('account.profile_lead')}</p>
      {isSaved && <Notice kind="good">{t('account.profile_saved')}</Notice>}
      <Card>
        <FormErrors errors={errors} shown={profileColumns} />
        <Form action={PATH}>
          {profileColumns.map((column) => (
            <ProfileField
              column={column}
              value={profile[column] ?? ''}
              languages={context.languages}
              errors={errors}
            />
          ))}
          <Actions>
            <Button>{t('account.save')}</Button>
          </Actions>
        </Form>
      </Card>
    </>,
  );
}

interface ProfileFieldProps {
  column: ProfileColumn;
  value: string;
  languages: Languages;
  errors: FieldError[];
}

function ProfileField({ column, value, languages, errors }: ProfileFieldProps) {
  const t = useTranslator();
  const { autocomplete, hint, optional }: NonNullable<UserField['profile']> = userFields[column].profile;
  const props = {
    name: column,
    label: t(userFields[column].page.label),
    value,
    autocomplete,
    hint: hint && t(hint),
    errors,
  };
  const none = { value: '', label: t('account.same_as_browser') };
  if (column === 'locale')
    return <SelectField {...props} options={[none, ...languageOptions(languages.all, value)]} />;
  if (column === 'time_zone')
    return <SelectField {...props} options={[none, UTC]} groups={timeZoneGroups(t)} />;
  return <Field {...props} {...(optional && { optional })} />;
}

/** The languages under their own names, and the one that was chosen by API even if it is none of them. */
const languageOptions = (all: readonly string[], chosen: string): Option[] =>
  [...new Set([...all, chosen])]
    .filter((language) => language !== '')
    .map((language) => ({ value: language, label: ownName(language), language }));

/** `Deutsch` for `de`; the tag if the language has no known name or the user typed something else. */
function ownName(tag: string): string {
  try {
    const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
    return name.replace(/^./u, (first) => first.toLocaleUpperCase(tag));
  } catch {
    return tag;
  }
}

const UTC: Option = { value: 'UTC', label: 'UTC' };

const timeZoneGroups = (t: Translator) =>
  [...timeZonesByRegion()].map(([region, zones]) => ({
    label: t(`region.${region}`),
    options: zones.map(({ name, city }) => ({ value: name, label: city })),
  }));
