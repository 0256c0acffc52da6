import { hasWebGpu, mostThreads, type Settings, settings, type Theme } from '../state/settings.js';
import { useStore } from '../state/store.js';
import { Button, Dialog, Select, useFileChooser } from '../ui/index.js';
import { EngineProblem } from './engine-problem.js';

interface SettingsDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
}

export function SettingsDialog({ open, onClose }: SettingsDialogProps) {
  return (
    <Dialog title="Settings" open={open} onClose={onClose}>
      <EngineProblem />
      <ModelSetting />
      <DeviceSetting />
      <ThreadsSetting />
      <OtherSettings />
    </Dialog>
  );
}

const change = (changed: Partial<Settings>): void => settings.update((all) => ({ ...all, ...changed }));

function ModelSetting() {
  const { model } = useStore(settings);
  const choose = useFileChooser('.safetensors', ([file]) => {
    if (file !== undefined) change({ model: file });
  });
  return (
    <div class="field">
      <span class="field-label">Model</span>
      <p class="model-name">{model?.name ?? 'poster-v2-nano, comes with the page'}</p>
      <div class="actions">
        {choose.input}
        <Button onClick={choose.open}>Choose a .safetensors file</Button>
        {model === undefined ? null : (
          <Button kind="quiet" onClick={() => change({ model: undefined })}>
            Back to the page's own
          </Button>
        )}
      </div>
      <p class="hint">A file that poster train, poster learn or the tab Learn wrote. It stays on this machine.</p>
    </div>
  );
}

function DeviceSetting() {
  const { device } = useStore(settings);
  return (
    <Select
      label="Computes on"
      value={device}
      options={[
        { value: 'cpu', text: 'Processor (WASM)' },
        { value: 'webgpu', text: 'Graphics card (WebGPU)', disabled: !hasWebGpu },
      ]}
      onChange={(chosen) => change({ device: chosen })}
      hint={hasWebGpu ? 'WebGPU fetches another runtime, 27 MB, once.' : 'This browser has no WebGPU.'}
    />
  );
}

function ThreadsSetting() {
  const { threads = mostThreads, device } = useStore(settings);
  const counts = Array.from({ length: mostThreads }, (_, i) => String(i + 1));
  if (device === 'webgpu') return null;
  return (
    <Select
      label="Threads"
      value={String(threads)}
      options={counts.map((value) => ({ value, text: value }))}
      onChange={(chosen) => change({ threads: Number(chosen) })}
      hint={
        crossOriginIsolated
          ? 'For explanations and learning. Recognising uses one thread, except with models such as ARM.'
          : 'This page is not isolated from other sites, so the browser allows one thread.'
      }
    />
  );
}

const themeTexts: readonly { readonly value: Theme; readonly text: string }[] = [
  { value: 'system', text: 'As the system' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
];

function OtherSettings() {
  const { theme, showRate } = useStore(settings);
  return (
    <>
      <Select label="Colours" value={theme} options={themeTexts} onChange={(chosen) => change({ theme: chosen })} />
      <label class="check">
        <input
          type="checkbox"
          checked={showRate}
          onChange={({ currentTarget }) => change({ showRate: currentTarget.checked })}
        />
        <span>Show frames per second with the camera</span>
      </label>
    </>
  );
}
