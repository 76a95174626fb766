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
    <button type="button" class="icon-button" data-copy={value} hidden>
      <Icon name="copy" />
      <span class="unseen">{label}</span>
    </button>
  </span>
);
