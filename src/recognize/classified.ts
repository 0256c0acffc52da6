/** What a network says of pictures. */
export interface Classified {
  /** [n, K]; divided by the temperature, where the weights have one. */
  readonly logits: Float32Array;
  /** [n, K], the softmax of the logits: each row sums to 1. */
  readonly probabilities: Float32Array;
  /** [n, K], the logits before a temperature; left out where none was applied. */
  readonly rawLogits?: Float32Array;
}
