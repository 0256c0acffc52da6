import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Expressions } from './Expressions';

function App() {
  const [picture, setPicture] = useState<File>();
  return (
    <>
      <h1>Expressions</h1>
      <label>
        Choose a picture <input type="file" accept="image/*" onChange={({ target }) => setPicture(target.files?.[0])} />
      </label>{' '}
      {picture && (
        <>
          <button type="button" onClick={() => setPicture(undefined)}>
            Close
          </button>
          <Expressions picture={picture} />
        </>
      )}
    </>
  );
}

const main = document.querySelector('main');
if (main === null) throw new Error('the page has no main');
createRoot(main).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
