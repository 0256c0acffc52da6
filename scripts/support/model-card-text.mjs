// The parts of MODEL_CARD.md that figures decide, as text. Plain functions of what was measured.

const percent = (fraction, digits = 1) => (fraction === null ? '-' : (100 * fraction).toFixed(digits));
const grouped = (count) => count.toLocaleString('en-GB');
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Wilson's 95% interval of a share, in percent: what so few pictures can tell. */
export function interval(right, all) {
  if (all === 0) return '-';
  const z = 1.96;
  const centre = (right + z ** 2 / 2) / (all + z ** 2);
  const half = (z / (all + z ** 2)) * Math.sqrt((right * (all - right)) / all + z ** 2 / 4);
  // Rounding may leave -0.
  return `${Math.max(0, 100 * (centre - half)).toFixed(0)} to ${(100 * (centre + half)).toFixed(0)}`;
}

/** What the file is. */
export function fileText({ path, bytes, sha256, parameters, description }) {
  const { model, labels, preprocessing, training } = description;
  const { imageSize, channels, mean, std } = preprocessing;
  const rows = [
    ['file', `\`${path}\`, ${(bytes / 1e6).toFixed(1)} MB`],
    ['SHA-256', `\`${sha256}\``],
    ['network', `\`${model.name}\`, ${grouped(parameters)} parameters`],
    [
      'input',
      `${imageSize}x${imageSize} ${channels === 1 ? 'gray' : 'RGB'}, (value / 255 - ${mean.join(', ')}) / ${std.join(', ')}`,
    ],
    ['output', `${labels.labels.length} logits, in this order: ${labels.labels.join(', ')}`],
  ];
  if (training !== undefined) {
    rows.push(['trained by', `\`${training.command}\``]);
    rows.push(['data', `${training.dataset}; epoch ${training.epoch}, seed ${training.seed}`]);
    rows.push([
      'with',
      Object.entries(training.versions)
        .map((version) => version.join(' '))
        .join(', '),
    ]);
  }
  return table(['', ''], rows);
}

/** Of each picture: the class it was taken for, how sure the network was, and whether it was right. */
function answers({ labels, logits: { classes, data } }) {
  return labels.map((label, i) => {
    const row = data.subarray(i * classes, (i + 1) * classes);
    const best = row.indexOf(Math.max(...row));
    const total = row.reduce((sum, logit) => sum + Math.exp(logit - row[best]), 0);
    return { right: best === label, confidence: 1 / total };
  });
}

/** What the class is taken for most often when it is not recognised. */
function commonMistake(row, own, names, support) {
  const others = row.map((count, c) => (c === own ? 0 : count));
  const most = Math.max(...others);
  return most === 0 ? '-' : `${names[others.indexOf(most)]} (${percent(most / support, 0)}%)`;
}

/** Named figures of an evaluation, as text. */
function overall({ samples, accuracy, meanClassAccuracy, macroF1, topK, crossEntropy, calibration, perClass }) {
  const commonest = Math.max(...perClass.map(({ support }) => support));
  return [
    ['pictures', grouped(samples)],
    ['accuracy', `${percent(accuracy)}%`],
    ['95% interval', `${interval(Math.round(accuracy * samples), samples)}%`],
    ['always naming the commonest', `${percent(commonest / samples)}%`],
    ['mean-class accuracy', `${percent(meanClassAccuracy)}%`],
    ['macro-F1', `${percent(macroF1)}%`],
    [`top-${topK.k} accuracy`, `${percent(topK.accuracy)}%`],
    ['cross-entropy', `${crossEntropy.toFixed(3)} nats`],
    [`ECE (${calibration.bins.length} bins)`, `${percent(calibration.ece)}%`],
    ['Brier score (0 to 2)', calibration.brier.toFixed(3)],
  ];
}

function byClass({ evaluation: { perClass, confusion }, labels: { labels } }, trainCounts) {
  const head = ['expression', 'in training', 'here', 'recall %', '95% interval', 'missed %', 'most often taken for'];
  const rows = perClass.map(({ support, recall, precision, f1 }, c) => [
    labels[c],
    trainCounts === null ? '-' : grouped(trainCounts[c]),
    grouped(support),
    percent(recall),
    interval(confusion[c][c], support),
    percent(recall === null ? null : 1 - recall),
    commonMistake(confusion[c], c, labels, support),
    percent(precision),
    percent(f1),
  ]);
  return table([...head, 'precision %', 'F1 %'], rows);
}

function calibrationText({ measured, evaluation: { accuracy } }) {
  const all = answers(measured);
  const confidence = all.reduce((sum, answer) => sum + answer.confidence, 0) / all.length;
  const gap = confidence - accuracy;
  const verdict = Math.abs(gap) < 0.01 ? 'as sure as it is right' : gap < 0 ? 'under-confident' : 'over-confident';
  const rows = [0, 0.5, 0.7, 0.9].map((from) => {
    const chosen = all.filter((answer) => answer.confidence >= from);
    const right = chosen.filter((answer) => answer.right).length;
    return [
      from === 0 ? 'any' : `${percent(from, 0)}% and more`,
      percent(chosen.length / all.length),
      percent(chosen.length === 0 ? null : right / chosen.length),
    ];
  });
  return [
    `Mean confidence is ${percent(confidence)}%, accuracy ${percent(accuracy)}%: on the whole the network is ${verdict}.`,
    '',
    table(['confidence', '% of the pictures', 'right %'], rows),
  ].join('\n');
}

/**
 * @param result on the whole split
 * @param others titles and results of other measurements of the same figures
 * @param trainCounts pictures of each class in the training split; null where the dataset has none here
 */
export function figuresText(result, others, trainCounts) {
  const { protocol, split, evaluation } = result;
  const further = others.map((other) => overall(other.result.evaluation));
  const rows = overall(evaluation).map(([name, value], i) => [name, value, ...further.map((figures) => figures[i][1])]);
  const columns = ['', 'all', ...others.map(({ title }) => title)];
  return [
    `${protocol.dataset}, split '${split}', pictures with a majority among their votes, each once, the most probable expression:`,
    '',
    table(columns, rows),
    '',
    ...protocol.deviations.map((sentence) => `- ${sentence}`),
    '',
    'By expression, all pictures:',
    '',
    byClass(result, trainCounts),
    '',
    calibrationText(result),
  ].join('\n');
}

/** The same for the Hub's front matter. */
export function modelIndexText(name, { evaluation: { accuracy, macroF1 }, protocol, split }) {
  const metric = (type, title, value) => [
    `          - type: ${type}`,
    `            name: ${title}`,
    `            value: ${value.toFixed(4)}`,
  ];
  return [
    'model-index:',
    `  - name: ${name}`,
    '    results:',
    '      - task:',
    '          type: image-classification',
    '          name: Facial expression recognition',
    '        dataset:',
    `          type: ${protocol.dataset.toLowerCase().replace('+', 'plus')}`,
    `          name: ${JSON.stringify(protocol.dataset)}`,
    `          split: ${JSON.stringify(split)}`,
    '        metrics:',
    ...metric('accuracy', 'Accuracy', accuracy),
    ...metric('f1', 'Macro-F1', macroF1),
  ].join('\n');
}

/** Replaces what lies between the two markers of a part. Throws where they are not both there, once. */
export function replacePart(card, name, text, [open, close] = ['<!-- ', ' -->']) {
  const [begin, end] = [`${open}${name}: begin${close}\n`, `${open}${name}: end${close}`];
  const [before, rest, ...more] = card.split(begin);
  const [, after, ...others] = (rest ?? '').split(end);
  if (after === undefined || more.length + others.length > 0) throw new Error(`the card has no part '${name}'`);
  return `${before}${begin}${text}\n${end}${after}`;
}
