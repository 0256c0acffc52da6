/** What a value is instead of what was asked for, behind "is": `of type number`, `null`. */
export const typeInWords = (value: unknown): string => (value === null ? 'null' : `of type ${typeof value}`);
