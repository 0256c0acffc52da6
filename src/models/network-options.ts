import type * as z from 'zod';

/** How people give an option. */
export interface OptionText {
  /** One number, numbers with commas between, or one of some words. */
  readonly form: 'number' | 'numbers' | 'word';
  /** What stands for the value in listings: `count`. */
  readonly value: string;
  readonly description: string;
  /** The words that there are, for the form `word`. */
  readonly words?: readonly string[];
}

/** An option of a network, whatever its type. */
export interface NetworkOption extends OptionText {
  /** As in stored runs: `dropPath`. */
  readonly key: string;
  readonly schema: z.ZodType;
}

/** Options of a network's own, such as ablations: what a run may say of it beyond its name. */
export interface NetworkOptions<Config> {
  readonly list: readonly NetworkOption[];
  /**
   * Checks options from outside; those not given get their defaults.
   * @throws z.ZodError where one is unknown or cannot be used.
   */
  parse(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** @throws UserError where an option is not for this configuration; z.ZodError as `parse`. */
  configure(config: Config, given: Readonly<Record<string, unknown>>, variant: string): Config;
  /** Options that an early version stored with a run, put right. */
  migrate(given: Readonly<Record<string, unknown>>, config: Config): Readonly<Record<string, unknown>>;
}

/** What makes the options of a network, with their types. */
export interface OptionRules<Config, Shape extends Readonly<Record<string, z.ZodType>>> {
  /** Each option has a default. */
  readonly schema: z.ZodObject<Shape, z.core.$strict>;
  readonly texts: { readonly [Key in keyof Shape]: OptionText };
  /**
   * A configuration with these options.
   * @param variant whose configuration it is, for errors
   */
  configure(config: Config, options: z.output<z.ZodObject<Shape, z.core.$strict>>, variant: string): Config;
  migrate?(given: Readonly<Record<string, unknown>>, config: Config): Readonly<Record<string, unknown>>;
}

/** Options whose types nobody else has to know. */
export function networkOptions<Config, Shape extends Readonly<Record<string, z.ZodType>>>(
  rules: OptionRules<Config, Shape>,
): NetworkOptions<Config> {
  const { schema, texts } = rules;
  return {
    list: Object.entries<z.ZodType>(schema.shape).map(([key, one]) => ({
      key,
      schema: one,
      ...texts[key as keyof Shape],
    })),
    parse: (given) => ({ ...schema.parse(given) }),
    configure: (config, given, variant) => rules.configure(config, schema.parse(given), variant),
    migrate: (given, config) => rules.migrate?.(given, config) ?? given,
  };
}
