import { type Child, createContext, useContext } from 'hono/jsx';
import type { FieldError } from '../errors.ts';

/** What `page` gives to the forms on it. */
export const FormTokenContext = createContext<(() => string) | undefined>(undefined);

interface FormProps {
  /** The path that takes it. */
  action: string;
  /** `inline`: as wide as its buttons, in a row with other things; `wide`: as wide as there is room. */
  shape?: 'inline' | 'wide';
  /** What is sent without being shown. */
  hidden?: Record<string, string>;
  children: Child;
}

/** Every form that changes something: plain HTML, sent by POST to our own origin, with the token that the HTTP layer asks for. */
export function Form({ action, shape, hidden = {}, children }: FormProps) {
  const token = useContext(FormTokenContext);
  return (
    <form method="post" action={action} class={shape}>
      <input type="hidden" name="form_token" value={token?.()} />
      {Object.entries(hidden).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {children}
    </form>
  );
}

interface ButtonProps {
  children: Child;
  /** `primary` is what the page is for, at most one; `danger` cannot be taken back. */
  weight?: 'primary' | 'plain' | 'danger';
  small?: boolean;
  name?: string;
  value?: string;
  /** For a screen reader, where several buttons say the same. It begins with what is seen. */
  label?: string;
}

export function Button({ children, weight = 'primary', small = false, name, value, label }: ButtonProps) {
  return (
    <button type="submit" class={buttonClass(weight, small)} name={name} value={value} aria-label={label}>
      {children}
    </button>
  );
}

interface ButtonLinkProps {
  href: string;
  children: Child;
  weight?: ButtonProps['weight'];
  small?: boolean;
}

/** A link that looks like a button: it leads somewhere and changes nothing. */
export function ButtonLink({ href, children, weight = 'primary', small = false }: ButtonLinkProps) {
  return (
    <a href={href} class={buttonClass(weight, small)}>
      {children}
    </a>
  );
}

/** Leads back from a form that nobody sends. */
export const Cancel = ({ href }: { href: string }) => (
  <ButtonLink href={href} weight="plain">
    Cancel
  </ButtonLink>
);

const buttonClass = (weight: string, small: boolean): string =>
  ['button', weight === 'primary' ? '' : weight, small ? 'small' : ''].filter(Boolean).join(' ');

/** The buttons at the end of a form. */
export function Actions({ children, stacked = false }: { children: Child; stacked?: boolean }) {
  return <div class={stacked ? 'actions stacked' : 'actions'}>{children}</div>;
}

/** What is wrong with a form as a whole, or with a field that it does not show. */
export function FormErrors({ errors, shown }: { errors: FieldError[]; shown: string[] }) {
  const others = errors.filter(({ field }) => !shown.includes(field));
  if (others.length === 0) return null;
  return (
    <div class="notice bad" role="alert">
      {others.map(({ message }) => (
        <p>{message}</p>
      ))}
    </div>
  );
}
