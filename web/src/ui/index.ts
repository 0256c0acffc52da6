/** What all panels are made of. */
export { Button, IconButton } from './button.js';
export { Dialog } from './dialog.js';
export { DropZone, useDrop, usePageDrop } from './drop-zone.js';
export { Icon, type IconName } from './icon.js';
export { keepFocus } from './keep-focus.js';
export { coloursOf } from './label-colours.js';
export { Notices } from './notices.js';
export { percentText } from './percent-text.js';
export { Problem } from './problem.js';
export { Progress } from './progress.js';
export { ScoreBars } from './score-bars.js';
export { Select } from './select.js';
export { useFileChooser } from './use-file-chooser.js';
