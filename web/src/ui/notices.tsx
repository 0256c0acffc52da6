import { announcement, dismiss, notices } from '../state/notices.js';
import { useStore } from '../state/store.js';
import { Button, IconButton } from './button.js';
import { Icon } from './icon.js';
import { keepFocus } from './keep-focus.js';

const noticeId = (id: number): string => `notice-${id}`;

function close(id: number): void {
  keepFocus(document.getElementById(noticeId(id)), '.button-icon', '#main');
  dismiss(id);
}

/** Sentences in a corner of the page, and what only screen readers say. */
export function Notices() {
  const shown = useStore(notices);
  const message = useStore(announcement);
  return (
    <>
      <div class="notices" role="status">
        {shown.map(({ id, text, kind, action }) => (
          <div key={id} id={noticeId(id)} class={`notice notice-${kind}`}>
            <Icon name={kind === 'error' ? 'warning' : 'info'} />
            <p class="notice-text">{text}</p>
            {action === undefined ? null : (
              <Button
                kind="quiet"
                onClick={() => {
                  action.run();
                  close(id);
                }}
              >
                {action.label}
              </Button>
            )}
            <IconButton icon="close" label="Close" onClick={() => close(id)} />
          </div>
        ))}
      </div>
      <div class="visually-hidden" role="status">
        {message}
      </div>
    </>
  );
}
