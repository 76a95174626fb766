/**
 * Tells a password manager whose password a form changes. Nobody sees the field, and without a name it is not
 * submitted.
 */
export const KnownUsername = ({ username }: { username: string }) => (
  <input type="text" autocomplete="username" value={username} readonly hidden />
);
