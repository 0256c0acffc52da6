import { useId, useState } from 'preact/hooks';
import { recognizerState } from '../state/recognizer.js';
import { useStore } from '../state/store.js';
import { Icon } from '../ui/index.js';
import { changeShots } from './shots-state.js';

/** A name makes a class: a new one, or one of the expressions that the network knows. */
export function AddClass({ count }: { readonly count: number }) {
  const [name, setName] = useState('');
  const id = useId();
  const state = useStore(recognizerState);
  const known = state.phase === 'ready' ? state.recognizer.labels.labels : [];
  const add = async (form: HTMLFormElement): Promise<void> => {
    if (!(await changeShots((shots) => shots.addClass(name)))) return;
    setName('');
    // The button is of no use until there is another name.
    if (form.contains(document.activeElement)) form.querySelector('input')?.focus();
  };
  return (
    <form
      class="card add-class"
      onSubmit={(event) => {
        event.preventDefault();
        void add(event.currentTarget);
      }}
    >
      <label class="field-label" for={id}>
        {count === 0 ? 'Name your first class' : 'Add a class'}
      </label>
      <div class="add-class-row">
        <input
          id={id}
          class="text-input"
          value={name}
          maxLength={200}
          placeholder={count === 0 ? 'such as bored' : 'such as neutral'}
          list={`${id}-known`}
          autocomplete="off"
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
        <datalist id={`${id}-known`}>
          {known.map((label) => (
            <option key={label} value={label} />
          ))}
        </datalist>
        <button type="submit" class="button button-secondary" disabled={name.trim() === ''}>
          <Icon name="add" />
          <span>Add</span>
        </button>
      </div>
      <p class="hint">
        An expression that the network knows, such as surprise, gets better with your examples. Any other name is new to
        it.
      </p>
    </form>
  );
}
