import { Icon } from './icon.tsx';

interface CopyableProps {
  /** What the button does, such as `Copy user ID`, for screen readers. */
  label: string;
  value: string;
}

/** An identifier with a button that copies it. The script shows the button (`assets/session.js`). */
export const Copyable = ({ label, value }: CopyableProps) => (
  <span class="copyable">
    <code>{value}</code>
    <CopyButton value={value} label={label} />
  </span>
);

interface CopyButtonProps {
  value: string;
  /** What it does. */
  label: string;
  /** Whether everybody sees the label, and not only screen readers. */
  isShown?: boolean;
}

/** A button that copies a value that is shown beside it. */
export const CopyButton = ({ value, label, isShown = false }: CopyButtonProps) => (
  <button type="button" class={isShown ? 'button plain small' : 'icon-button'} data-copy={value} hidden>
    <Icon name="copy" />
    <span class={isShown ? undefined : 'unseen'}>{label}</span>
  </button>
);
