/** What logits are divided by before the softmax, at least and at most: beyond, something else is wrong with a network. */
export const temperatureLimits = { least: 0.05, most: 20 } as const;
