import { fileURLToPath } from 'node:url';

export default {
  mode: 'production',
  entry: './main.js',
  output: { path: fileURLToPath(new URL('public/build', import.meta.url)), publicPath: '/build/', clean: true },
  // The weights and ONNX Runtime's program are files beside the script, and load after it.
  performance: { hints: false },
  devServer: { static: 'public' },
};
