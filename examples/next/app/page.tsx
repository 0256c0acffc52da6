import { Expressions } from './Expressions';

export default function Page() {
  return (
    <main>
      <h1>Expressions</h1>
      <Expressions />
    </main>
  );
}
