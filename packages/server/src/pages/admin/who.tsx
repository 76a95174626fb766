/** A user by name, with the way to their page; one who is gone by what is left. */
export function Who({ id, names }: { id: string; names: ReadonlyMap<string, string> }) {
  if (id === 'operator') return <>the operator</>;
  const name = names.get(id);
  return name === undefined ? <>a deleted user</> : <a href={`/admin/users/${id}`}>{name}</a>;
}
