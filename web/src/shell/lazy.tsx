import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../state/errors.js';
import { Button, Problem } from '../ui/index.js';

type Loaded = { readonly component: ComponentType } | { readonly reason: string } | undefined;

/** A component that is fetched when it is shown for the first time. */
export function Lazy({ load }: { readonly load: () => Promise<ComponentType> }) {
  const [loaded, setLoaded] = useState<Loaded>(undefined);
  useEffect(() => {
    let current = true;
    load().then(
      (component) => current && setLoaded({ component }),
      (error: unknown) => current && setLoaded({ reason: messageOf(error) }),
    );
    return () => {
      current = false;
    };
  }, [load]);
  if (loaded === undefined) return <div class="panel" aria-busy="true" />;
  if ('reason' in loaded) {
    return (
      <Problem
        title="This part of the page could not be loaded"
        actions={<Button onClick={() => location.reload()}>Load the page again</Button>}
      >
        {loaded.reason}
      </Problem>
    );
  }
  return <loaded.component />;
}
