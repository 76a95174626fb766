/** The number of background colors in the style sheet (`.avatar-0` ...). */
const COLORS = 8;

interface AvatarProps {
  user: { id: string; username: string; display_name: string | null };
  isLarge?: boolean;
}

/** The user's initials on a color that depends on the ID alone, so it stays when the user is renamed. */
export const Avatar = ({ user: { id, username, display_name }, isLarge = false }: AvatarProps) => (
  <span class={`avatar avatar-${colorOf(id)}${isLarge ? ' large' : ''}`} aria-hidden="true">
    {initialsOf(display_name ?? username)}
  </span>
);

/** The end of an ID is random; its beginning is the time. */
const colorOf = (id: string): number => Number.parseInt(id.slice(-2), 16) % COLORS || 0;

/** Two letters: of the first two words of a name such as `Lena Diaz` or `lena.diaz`, or of its only word. */
function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => [...word][0]) : [...(words[0] ?? '?')];
  return letters.slice(0, 2).join('').toUpperCase();
}
