import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ProcessUsage } from '../workers/process-messages.js';
import type { WorkDone } from '../workers/work-done.js';

const fast = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What a server counts, for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly requestSeconds: Histogram<'route'>;
  readonly pictures: Counter;
  readonly faces: Counter;
  readonly queueSeconds: Histogram;
  /** How often the networks were started again. */
  readonly restarts: Counter;
  /** Counts what the networks' process has done. */
  done(work: WorkDone): void;
  /** Counts what the networks' process uses of the machine. */
  networksUsed(usage: ProcessUsage): void;
}

/** What is read when somebody asks. */
export interface Gauges {
  queueLength(): number;
  inHand(): number;
  ready(): boolean;
}

export function createMetrics(gauges: () => Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: (now: Gauges) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(gauges()));
      },
    });
  };
  gauge('poster_queue_pictures', 'Pictures that wait', (now) => now.queueLength());
  gauge('poster_requests_in_hand', 'Requests that are worked on', (now) => now.inHand());
  gauge('poster_ready', 'Whether the server takes requests', (now) => Number(now.ready()));
  const stageSeconds = new Histogram({
    name: 'poster_stage_seconds',
    help: 'Time of decoding a picture, of finding its faces, and of a run of the network',
    labelNames: ['stage'],
    buckets: fast,
    registers,
  });
  const batchFaces = new Histogram({
    name: 'poster_batch_faces',
    help: 'Faces that shared a run of the network',
    buckets: [1, 2, 4, 8, 16, 32],
    registers,
  });
  const networksMemory = new Gauge({
    name: 'poster_networks_resident_memory_bytes',
    help: "Memory of the networks' process, which that of the server's process does not count",
    registers,
  });
  const networksSeconds = new Counter({
    name: 'poster_networks_cpu_seconds_total',
    help: "Processor time of the networks' processes",
    registers,
  });
  return {
    registry,
    restarts: new Counter({
      name: 'poster_networks_restarts_total',
      help: 'How often the process of the networks has ended and was started again',
      registers,
    }),
    networksUsed({ memory, processorSeconds }) {
      networksMemory.set(memory);
      networksSeconds.inc(processorSeconds);
    },
    done({ kind, count, seconds }) {
      stageSeconds.observe({ stage: kind }, seconds);
      if (kind === 'network') batchFaces.observe(count);
    },
    requests: new Counter({
      name: 'poster_requests_total',
      help: 'Requests that were answered',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'poster_request_seconds',
      help: 'Time from the head of a request to the end of its answer',
      labelNames: ['route'],
      buckets: fast,
      registers,
    }),
    pictures: new Counter({ name: 'poster_pictures_total', help: 'Processed pictures', registers }),
    faces: new Counter({ name: 'poster_faces_total', help: 'Faces that were found', registers }),
    queueSeconds: new Histogram({
      name: 'poster_queue_seconds',
      help: 'Time that requests waited for their turn',
      buckets: fast,
      registers,
    }),
  };
}
