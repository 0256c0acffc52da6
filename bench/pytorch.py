"""The PyTorch side of `npm run bench`: POSTER V2 timed on request, so that the benchmark can take turns with it.

    python bench/pytorch.py PATH/poster_v2.py [--threads 2]
        Says {"ready": ...}, then answers one JSON line on stdin with one on stdout:
            {"op": "forward", "batch": 1}  ->  {"seconds": ...}    evaluation mode, no gradients
            {"op": "step", "batch": 8}     ->  {"seconds": ..., "loss": ...}
                zero_grad, forward in training mode, cross-entropy, backward, Adam (lr 3.5e-5); the landmark network is
                frozen, its BatchNorm included
            {"op": "memory"}               ->  {"bytes": ...}      peak resident memory of this process so far
            {"op": "quit"}
        What cannot be done is answered with {"error": ...}. The first run of each kind is a warm-up: leave it out.
    python bench/pytorch.py PATH/poster_v2.py --only step --batch 8 [--runs 5]
        Runs one kind alone (after one warm-up), so that its peak memory can be read from a process that did nothing
        else; prints {"median": ..., "seconds": [...], "bytes": ..., "bytes_before": ...} and ends.

Times are wall-clock seconds of the work alone: inputs are made before the clock starts.
"""
import argparse
import importlib.util
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F


def peak_memory():
    """Peak resident memory in bytes. Linux keeps it by address space; getrusage would count the parent's before exec."""
    try:
        with open('/proc/self/status', encoding='ascii') as status:
            for line in status:
                if line.startswith('VmHWM:'):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def load(path, unused):
    spec = importlib.util.spec_from_file_location('poster_v2', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    return module.PosterV2(7, unused)


class Subject:
    def __init__(self, path, unused=True):
        self.model = load(path, unused)
        self.optimizer = None       # made by the first step, so that a forward pass is not charged for it
        self.inputs = {}

    def batch(self, size):
        if size not in self.inputs:
            self.inputs[size] = torch.randn(size, 3, 224, 224), torch.arange(size) % 7
        return self.inputs[size]

    def forward(self, size):
        images, _ = self.batch(size)
        self.model.eval()
        start = time.perf_counter()
        with torch.no_grad():
            self.model(images)
        return {'seconds': time.perf_counter() - start}

    def step(self, size):
        images, labels = self.batch(size)
        self.model.train()
        self.model.face_landback.eval()
        if self.optimizer is None:
            trained = [p for p in self.model.parameters() if p.requires_grad]
            self.optimizer = torch.optim.Adam(trained, lr=3.5e-5)
        start = time.perf_counter()
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(images), labels)
        loss.backward()
        self.optimizer.step()
        return {'seconds': time.perf_counter() - start, 'loss': loss.item()}

    def run(self, op, size):
        if op not in ('forward', 'step'):
            raise ValueError(f'unknown op {op!r}: forward, step, memory or quit')
        if type(size) is not int or size < 1:
            raise ValueError(f'the batch must be a whole number of at least 1, not {size!r}')
        return self.forward(size) if op == 'forward' else self.step(size)


def say(message):
    print(json.dumps(message), flush=True)


def serve(subject):
    say({'ready': True, 'torch': torch.__version__, 'threads': torch.get_num_threads()})
    for line in sys.stdin:
        try:
            command = json.loads(line)
            op = command['op']
            if op == 'quit':
                return
            say({'bytes': peak_memory()} if op == 'memory' else subject.run(op, command.get('batch')))
        except Exception as error:      # the other side decides what an error means
            say({'error': f'{type(error).__name__}: {error}'})


def main():
    parser = argparse.ArgumentParser(description='Times POSTER V2 in PyTorch.')
    parser.add_argument('network', help='path of poster_v2.py')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--only', choices=('forward', 'step'))
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--leave-out-unused', action='store_true',
                        help='without the 14.5M parameters that the published network holds and never calls')
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    subject = Subject(options.network, not options.leave_out_unused)
    if options.only is None:
        serve(subject)
        return
    before = peak_memory()
    subject.run(options.only, options.batch)
    seconds = [subject.run(options.only, options.batch)['seconds'] for _ in range(options.runs)]
    say({'median': statistics.median(seconds), 'seconds': seconds, 'bytes': peak_memory(), 'bytes_before': before})


if __name__ == '__main__':
    main()
