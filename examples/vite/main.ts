import { type RecognizedFace, Recognizer } from 'poster-v2';

const element = <E extends HTMLElement>(selector: string): E => {
  const found = document.querySelector<E>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
};
const input = element<HTMLInputElement>('input');
const image = element<HTMLImageElement>('img');
const list = element<HTMLOListElement>('ol');
const status = element('[role=status]');

/** Loaded once: it starts a worker, which is ready for any number of pictures. */
const loading = Recognizer.load({
  onProgress: ({ file, loaded, total }) => {
    status.textContent = loaded === total ? '' : `${file}: ${loaded} of ${total} bytes`;
  },
});

input.addEventListener('change', async () => {
  const [picture] = input.files ?? [];
  if (picture === undefined) return;
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(picture);
  image.hidden = false;
  list.replaceChildren();
  try {
    const recognizer = await loading;
    const { faces } = await recognizer.recognize(picture);
    const [face] = faces;
    status.textContent =
      face === undefined ? 'There is no face in it.' : `The first of ${faces.length}: ${face.expression}`;
    if (face !== undefined) list.replaceChildren(...face.scores.map(bar));
  } catch (error) {
    // Whatever can be mended is said in one sentence.
    status.textContent = error instanceof Error ? error.message : String(error);
  }
});

function bar({ label, probability }: RecognizedFace['scores'][number]): HTMLLIElement {
  const [item, meter, percent] = [
    document.createElement('li'),
    document.createElement('meter'),
    document.createElement('span'),
  ];
  meter.value = probability;
  percent.textContent = `${Math.round(probability * 100)}%`;
  item.append(label, meter, percent);
  return item;
}
