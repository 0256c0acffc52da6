import { printable } from '../common/printable.js';
import type { NetworkFamily } from '../models/index.js';
import type { ModelDescription } from '../safetensors/index.js';

/** By this a card is known to be this command's own, which may be written again. */
export const cardMark = '<!-- Written by poster convert; without this line it is not written over. -->';

/** Names of what a checkpoint was measured by, as Hugging Face calls them. */
const metricTypes: Readonly<Record<string, { readonly type: string; readonly name: string }>> = {
  accuracy: { type: 'accuracy', name: 'Accuracy' },
  meanClassAccuracy: { type: 'recall', name: 'Mean-class accuracy (macro recall)' },
  macroF1: { type: 'f1', name: 'Macro F1' },
};

/** A text from outside as YAML: JSON's strings are YAML's. */
const quoted = (text: string): string => JSON.stringify(printable(text, 200));

/** A text from outside within Markdown. */
const plain = (text: string): string => printable(text, 200).replace(/[\\`*_[\]<>|#&~]/g, '\\$&');

/**
 * The model card of a folder for Hugging Face's hub: what the weights are, what they were measured at, what they are for
 * and what not. It says only what the checkpoint says itself.
 */
export function modelCard(
  { model, labels, preprocessing, training }: ModelDescription,
  { title, reference }: Pick<NetworkFamily, 'title' | 'reference'>,
): string {
  const { imageSize, channels } = preprocessing;
  const measured = Object.entries(training?.metrics ?? {}).flatMap(([key, value]) => {
    const metric = Object.hasOwn(metricTypes, key) ? metricTypes[key] : undefined;
    return metric === undefined ? [] : [{ ...metric, value }];
  });
  const front = [
    '---',
    'license: other',
    'license_name: not-stated',
    'library_name: transformers.js',
    'pipeline_tag: image-classification',
    'tags:',
    ...['facial-expression-recognition', 'emotion-recognition', model.name, 'onnx'].map((tag) => `- ${quoted(tag)}`),
    'metrics:',
    '- accuracy',
    ...modelIndex(model.name, training?.dataset ?? '', measured),
    '---',
  ];
  const results =
    training === undefined || measured.length === 0
      ? ['The checkpoint does not say how well it does. `poster evaluate` measures it on a dataset.']
      : [
          `Measured while it was trained, after epoch ${training.epoch}, on ${plain(training.dataset)}:`,
          '',
          '| metric | value |',
          '|---|---|',
          ...measured.map(({ name, value }) => `| ${name} | ${(100 * value).toFixed(2)}% |`),
          ...(training.protocol === undefined
            ? []
            : ['', `How the epoch was chosen: ${plain(training.protocol.selection)}.`]),
        ];
  return `${[
    ...front,
    '',
    cardMark,
    '',
    `# ${plain(model.name)}: facial expressions`,
    '',
    `A ${title} network${reference === undefined ? '' : ` (${reference})`} that sorts a cropped face into ${labels.labels.length} expressions. Input: ${imageSize} x ${imageSize} pixels, ${channels === 1 ? 'seen in gray' : 'RGB'}.`,
    '',
    `## Labels (${plain(labels.name)})`,
    '',
    '| index | label |',
    '|---|---|',
    ...labels.labels.map((label, i) => `| ${i} | ${plain(label)} |`),
    '',
    '## How to run it',
    '',
    '```js',
    "import { pipeline } from '@huggingface/transformers';",
    "const classify = await pipeline('image-classification', 'path/of/this/folder');",
    "await classify('face.png');",
    '```',
    '',
    'The pipeline takes a picture as it is: crop the face first. The package `poster-v2` finds and crops faces itself:',
    '',
    '```js',
    "import { Recognizer } from 'poster-v2';",
    "const recognizer = await Recognizer.load({ checkpoint: 'path/of/this/folder' });",
    "await recognizer.recognize('photo.jpg');",
    '```',
    '',
    '`onnx/model.onnx` runs in any ONNX runtime: `pixel_values` [batch_size, 3, height, width], prepared as `preprocessor_config.json` says, to `logits`. `model.safetensors` holds the weights.',
    '',
    '## Results',
    '',
    ...results,
    '',
    '## Intended use',
    '',
    'Research on facial expressions, and software in which people look at their own faces and know that they are analysed.',
    '',
    '## Limits',
    '',
    '- It says which expression a face shows, not what a person feels. The same face means different things in different situations and cultures.',
    '- It is right as often as its dataset is like your pictures. Age, skin, glasses, light, pose and size of the face change that: measure on your own pictures.',
    '- Datasets of expressions have wrong and disputed labels, and few pictures of rare expressions.',
    '- It is not for decisions about people, such as hiring, policing, teaching, insurance or medicine. In the European Union, recognising emotions at work and at school is prohibited (Regulation 2024/1689, Article 5).',
    '',
    '## Licence',
    '',
    'The checkpoint does not state one. Whoever trained it chooses; the terms of its dataset may restrict that. Say it above: `license`.',
  ].join('\n')}\n`;
}

function modelIndex(
  name: string,
  dataset: string,
  measured: readonly { readonly type: string; readonly name: string; readonly value: number }[],
): string[] {
  if (measured.length === 0) return [];
  return [
    'model-index:',
    `- name: ${quoted(name)}`,
    '  results:',
    '  - task:',
    '      type: image-classification',
    '    dataset:',
    `      name: ${quoted(dataset)}`,
    '      type: image-folder',
    '    metrics:',
    ...measured.flatMap((metric) => [
      `    - type: ${metric.type}`,
      `      name: ${quoted(metric.name)}`,
      `      value: ${metric.value}`,
    ]),
  ];
}
