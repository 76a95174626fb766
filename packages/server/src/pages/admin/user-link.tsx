/** A user by name, with a link to their page, or what they are if they have none. */
export function UserLink({ id, names }: { id: string; names: ReadonlyMap<string, string> }) {
  if (id === 'operator') return <>System operator</>;
  const name = names.get(id);
  return name === undefined ? <>Deleted user</> : <a href={`/admin/users/${id}`}>{name}</a>;
}
