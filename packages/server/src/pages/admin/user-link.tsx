import { useTranslator } from '../translator.tsx';

/** A user by name, with a link to their page, or what they are if they have none. */
export function UserLink({ id, names }: { id: string; names: ReadonlyMap<string, string> }) {
  const t = useTranslator();
  if (id === 'operator') return <>{t('admin.events.operator')}</>;
  const name = names.get(id);
  return name === undefined ? (
    <>{t('admin.events.deleted_user')}</>
  ) : (
    <a href={`/admin/users/${id}`}>
      <bdi>{name}</bdi>
    </a>
  );
}
