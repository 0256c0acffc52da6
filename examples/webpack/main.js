import { Recognizer } from 'poster-v2';

const [input, image, list, status] = ['input', 'img', 'ol', '[role=status]'].map((selector) =>
  document.querySelector(selector),
);

/** Loaded once: it starts a worker, which is ready for any number of pictures. */
const loading = Recognizer.load();

input.addEventListener('change', async () => {
  const [picture] = input.files;
  if (picture === undefined) return;
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(picture);
  image.hidden = false;
  list.replaceChildren();
  status.textContent = 'One moment ...';
  try {
    const { faces } = await (await loading).recognize(picture);
    status.textContent = faces.map(({ expression }) => expression).join(', ') || 'There is no face in it.';
    list.replaceChildren(...(faces[0]?.scores ?? []).map(bar));
  } catch (error) {
    // Whatever can be mended is said in one sentence.
    status.textContent = error.message;
  }
});

function bar({ label, probability }) {
  const [item, meter, percent] = ['li', 'meter', 'span'].map((name) => document.createElement(name));
  meter.value = probability;
  percent.textContent = `${Math.round(probability * 100)}%`;
  item.append(label, meter, percent);
  return item;
}
