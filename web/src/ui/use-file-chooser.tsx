import { useRef } from 'preact/hooks';

/** The system's dialog for files, opened by any button. The input must be drawn somewhere. */
export function useFileChooser(accept: string, onFiles: (files: readonly File[]) => void, multiple = false) {
  const input = useRef<HTMLInputElement>(null);
  return {
    open: () => input.current?.click(),
    input: (
      <input
        ref={input}
        type="file"
        class="visually-hidden"
        tabIndex={-1}
        aria-hidden="true"
        accept={accept}
        multiple={multiple}
        onChange={({ currentTarget }) => {
          if (currentTarget.files !== null && currentTarget.files.length > 0) onFiles([...currentTarget.files]);
          // The same file may be chosen again.
          currentTarget.value = '';
        }}
      />
    ),
  };
}
