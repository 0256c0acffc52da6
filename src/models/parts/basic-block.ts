/* The basic block of residual networks (He et al., arXiv 1512.03385). Parameters are named as in torchvision. */
import type { Tensor } from '../../graph/index.js';
import { batchNorm, conv2d, type Scope } from '../../nn/index.js';
import { add, relu } from '../../ops/index.js';

/** [N, I, H, W] -> [N, channels, H / stride, W / stride]. */
export function basicBlock(scope: Scope, x: Tensor, channels: number, stride: number): Tensor {
  let shortcut = x;
  if (stride !== 1 || x.shape[1] !== channels) {
    const layer = scope.at('downsample');
    shortcut = batchNorm(layer.at(1), conv2d(layer.at(0), x, { channels, kernel: 1, stride, bias: false }));
  }
  const y = relu(convolution(scope, 1, x, channels, stride));
  return relu(add(convolution(scope, 2, y, channels), shortcut));
}

/** A 3x3 convolution and BatchNorm, called `conv1` and `bn1` for 1: [N, I, H, W] -> [N, channels, H / stride, W / stride]. */
export function convolution(scope: Scope, number: number, x: Tensor, channels: number, stride = 1): Tensor {
  const config = { channels, kernel: 3, stride, padding: 1, bias: false };
  return batchNorm(scope.at(`bn${number}`), conv2d(scope.at(`conv${number}`), x, config));
}
