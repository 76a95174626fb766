import { ButtonLink } from '../form.tsx';
import { useTranslator } from '../translator.tsx';

/** From the list of users to the form for a new one, and to the open invitations. */
export function NewUserLinks() {
  const t = useTranslator();
  return (
    <p class="actions">
      <ButtonLink href="/admin/invitations" weight="plain" small>
        {t('admin.invitations')}
      </ButtonLink>
      <ButtonLink href="/admin/users/new" small>
        {t('admin.new_user')}
      </ButtonLink>
    </p>
  );
}
