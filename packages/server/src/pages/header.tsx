import type { AppContext } from '../context.ts';
import type { ActiveSession } from '../core/sessions.ts';
import { Avatar } from './avatar.tsx';
import { Form } from './form.tsx';
import { Icon } from './icon.tsx';
import { useTranslator } from './translator.tsx';

interface HeaderProps {
  context: Pick<AppContext, 'config' | 'assets'>;
  activeSession: ActiveSession | undefined;
}

/** The header of every page: the name of the installation and the menu of the signed-in user. */
export const Header = ({ context: { config, assets }, activeSession }: HeaderProps) => (
  <header class="top">
    <a class="brand" href="/">
      {config.logo === undefined ? <Mark /> : <img src={assets['mark.svg']?.url} alt="" />}
      <bdi>{config.serviceName}</bdi>
    </a>
    {activeSession && <UserMenu user={activeSession.user} />}
  </header>
);

/** The logo: a person with raised arms, in the shape of a U. */
function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path class="mark-line" d="M8.5 10v6.5a7.5 7.5 0 0 0 15 0V10" />
      <circle class="mark-head" cx="16" cy="12.5" r="3.25" />
    </svg>
  );
}

/** Opens without a script. With one, it closes when the user leaves it (`assets/session.js`). */
function UserMenu({ user }: { user: ActiveSession['user'] }) {
  const t = useTranslator();
  return (
    <details class="menu">
      <summary>
        <Avatar user={user} />
        <span class="who">
          <span class="unseen">{t('layout.signed_in_as')} </span>
          <bdi>{user.display_name ?? user.username}</bdi>
        </span>
        <Icon name="chevron-down" />
      </summary>
      <div class="menu-panel">
        <p class="menu-head">
          <strong>
            <bdi>{user.display_name ?? user.username}</bdi>
          </strong>
          {user.display_name !== null && (
            <span>
              <bdi>{user.username}</bdi>
            </span>
          )}
          <span>
            <bdi>{user.email}</bdi>
          </span>
        </p>
        <a class="menu-item" href="/dashboard">
          <Icon name="circle-user-round" />
          {t('setup.account')}
        </a>
        {user.admin_since !== null && (
          <a class="menu-item" href="/admin">
            <Icon name="layout-dashboard" />
            {t('layout.admin')}
          </a>
        )}
        <Form action="/sign-out" shape="inline">
          <button type="submit" class="menu-item">
            <Icon name="log-out" />
            {t('action.sign_out')}
          </button>
        </Form>
      </div>
    </details>
  );
}
