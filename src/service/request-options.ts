import * as z from 'zod';

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const numberOf = (value: unknown): unknown =>
  typeof value === 'string' && decimal.test(value) ? Number(value) : value;
const numbersOf = (value: unknown): unknown => (typeof value === 'string' ? value.split(',').map(numberOf) : value);
const booleanOf = (value: unknown): unknown => (value === 'true' ? true : value === 'false' ? false : value);

/** What addresses and forms give as text, and JSON as it is. */
const number = <T extends z.ZodType>(schema: T): z.ZodPreprocess<T> => z.preprocess(numberOf, schema);
const numbers = <T extends z.ZodType>(schema: T): z.ZodPreprocess<T> => z.preprocess(numbersOf, schema);
const boolean = (): z.ZodPreprocess<z.ZodBoolean> => z.preprocess(booleanOf, z.boolean());

/** How faces are looked for. */
export const detectOptions = {
  maxFaces: number(z.int().min(1))
    .optional()
    .meta({ description: 'at most this many faces, those with the highest scores' }),
  minScore: number(z.number().gt(0).lt(1)).optional().meta({ description: 'how sure a face must be (default 0.6)' }),
  minSize: number(z.number().min(0)).optional().meta({ description: 'least width of a face in pixels, brow to chin' }),
  scales: numbers(z.array(z.int().min(32).max(2048)).min(1).max(4))
    .optional()
    .meta({ description: 'lengths that the long side is brought to when faces are looked for (default 96,192,640)' }),
  turned: z
    .enum(['auto', 'always', 'never'])
    .optional()
    .meta({ description: 'whether pictures are searched on their sides and upside down too (default auto)' }),
};

/** Options of `/v1/recognize`, as `poster predict` has them. */
export const recognizeOptions = z.strictObject({
  ...detectOptions,
  top: number(z.int().min(1)).optional().meta({ description: 'labels listed with each face (default all)' }),
  crops: boolean().optional().meta({ description: 'give the crop that the network saw, as PNG in base64' }),
});

/** Options of `/v1/explain`. */
export const explainOptions = z.strictObject({
  ...detectOptions,
  target: z.string().min(1).max(200).optional().meta({ description: 'label whose relevance is given' }),
});

/** Options of `/v1/camera`. */
export const cameraOptions = z.strictObject({
  ...detectOptions,
  smooth: number(z.number().min(0).max(60))
    .optional()
    .meta({ description: 'seconds after which a change of expression has arrived to 63% (default 0.5)' }),
});

/** How faces are looked for. */
export type DetectOptionsSent = Pick<RecognizeRequestOptions, keyof typeof detectOptions>;
export type RecognizeRequestOptions = z.output<typeof recognizeOptions>;
export type ExplainRequestOptions = z.output<typeof explainOptions>;
