import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { countText } from '../../common/count-text.js';
import { increaseOf } from '../../common/item-at.js';
import { printable } from '../../common/printable.js';
import type { Admission } from './admission.js';
import { givenKey, type Keys } from './keys.js';
import { mayAsk } from './origins.js';
import { RequestProblem } from './problem.js';
import { whenOver } from './request-life.js';
import type { CompleteSettings } from './settings.js';

export interface GuardParts {
  readonly settings: CompleteSettings;
  /** Undefined where no key is needed. */
  readonly keys: Keys | undefined;
  readonly admission: Admission;
  /** @throws RequestProblem while the server takes no work */
  readonly checkOpen: () => void;
}

/** What a request must pass before its body is read. */
export class Guards {
  readonly #parts: GuardParts;
  /** Requests in hand of each client. */
  readonly #inHand = new Map<string, number>();

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** @throws RequestProblem */
  check(request: FastifyRequest, reply: FastifyReply): void {
    const { guard } = request.routeOptions.config;
    if (guard === undefined || guard === 'nothing') return;
    this.#checkOrigin(request);
    this.#checkKey(request);
    if (guard === 'key') return;
    this.#parts.checkOpen();
    if (guard === 'camera') return;
    this.#parts.admission.check();
    this.#count(request, reply);
  }

  #checkOrigin({ headers: { origin }, host }: FastifyRequest): void {
    if (origin === undefined || mayAsk(origin, host, this.#parts.settings.corsOrigins)) return;
    const sentence = `Pages of ${printable(origin, 200)} may not send requests here; name it in the server's corsOrigins.`;
    throw new RequestProblem('forbidden', sentence);
  }

  #checkKey({ headers }: FastifyRequest): void {
    const { keys } = this.#parts;
    if (keys === undefined) return;
    const given = givenKey(headers);
    if (given !== undefined && keys.accepts(given)) return;
    const what = given === undefined ? 'No key is given' : 'The key is not one of this server';
    throw new RequestProblem('unauthorized', `${what}; send the header "authorization: Bearer KEY".`);
  }

  #count(request: FastifyRequest, reply: FastifyReply): void {
    // As the rate does: who has a network of IPv6 has all of its addresses.
    const ip = normalizeIP(request.ip);
    const { clientRequests } = this.#parts.settings;
    if ((this.#inHand.get(ip) ?? 0) >= clientRequests) {
      const sentence = `This client has ${countText(clientRequests, 'request')} in progress, which is the limit; wait for one to end.`;
      throw new RequestProblem('too-many-requests', sentence, { retryAfter: 1 });
    }
    increaseOf(this.#inHand, ip);
    whenOver(request.raw, reply.raw, () => {
      increaseOf(this.#inHand, ip, -1);
      if (this.#inHand.get(ip) === 0) this.#inHand.delete(ip);
    });
  }

  /** Requests in hand of all clients. */
  get inHand(): number {
    return [...this.#inHand.values()].reduce((sum, count) => sum + count, 0);
  }
}
