import { type Child, createContext, useContext } from 'hono/jsx';
import type { FieldError } from '../errors.ts';
import { Say, useTranslator } from './translator.tsx';

/** The form token that `page` provides to its forms. */
export const FormTokenContext = createContext<(() => string) | undefined>(undefined);

interface FormProps {
  /** The path that the form is submitted to. */
  action: string;
  /** `inline`: as wide as its buttons, in a row with other elements; `wide`: the full width. */
  shape?: 'inline' | 'wide';
  /** Hidden fields. */
  hidden?: Record<string, string>;
  children: Child;
}

/**
 * Every form that changes something: plain HTML, sent by POST to our own origin, with the form token that the HTTP
 * layer requires.
 */
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
  /**
   * `primary` is the main action of the page, at most one; `danger` leads to what cannot be undone, and `final` does
   * it.
   */
  weight?: 'primary' | 'plain' | 'danger' | 'final';
  small?: boolean;
  name?: string;
  value?: string;
  /** For screen readers, if several buttons have the same text. It begins with the visible text. */
  label?: string;
  /** For how long a script disables the button, and what it says meanwhile, with `{seconds}` for the rest. */
  wait?: { seconds: number; text: string };
}

export function Button({
  children,
  weight = 'primary',
  small = false,
  name,
  value,
  label,
  wait,
}: ButtonProps) {
  return (
    <button
      type="submit"
      class={buttonClass(weight, small)}
      name={name}
      value={value}
      aria-label={label}
      data-wait={wait?.seconds}
      data-wait-text={wait?.text}
    >
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

/** A link styled as a button: it navigates and changes nothing. */
export function ButtonLink({ href, children, weight = 'primary', small = false }: ButtonLinkProps) {
  return (
    <a href={href} class={buttonClass(weight, small)}>
      {children}
    </a>
  );
}

/** Leads back from a form that nobody sends. */
export function Cancel({ href }: { href: string }) {
  return (
    <ButtonLink href={href} weight="plain">
      {useTranslator()('action.cancel')}
    </ButtonLink>
  );
}

const buttonClass = (weight: string, small: boolean): string =>
  ['button', weight === 'primary' ? '' : weight, small ? 'small' : ''].filter(Boolean).join(' ');

/** The buttons at the end of a form. */
export function Actions({ children, stacked = false }: { children: Child; stacked?: boolean }) {
  return <div class={stacked ? 'actions stacked' : 'actions'}>{children}</div>;
}

/** The errors of a form as a whole, and of fields that it does not show. */
export function FormErrors({ errors, shown }: { errors: FieldError[]; shown: string[] }) {
  const others = errors.filter(({ field }) => !shown.includes(field));
  if (others.length === 0) return null;
  return (
    <div class="notice bad" role="alert">
      {others.map(({ message }) => (
        <p>
          <Say of={message} />
        </p>
      ))}
    </div>
  );
}
