import { existsSync } from 'node:fs';
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static';
import type { FastifyPluginCallback } from 'fastify';
import { UserError } from '../../common/errors.js';
import { packageFile } from '../files/package-files.js';
import { pageHeaders } from './page-headers.js';

/** Names of files that hold a checksum: another content has another name. */
const checksummed = /[/\\]assets[/\\][^/\\]+-[A-Z0-9]{8}\.js$/;

const headersOfFiles: Pick<FastifyStaticOptions, 'cacheControl' | 'setHeaders'> = {
  cacheControl: false,
  setHeaders(reply, path) {
    reply.header('cache-control', checksummed.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache');
  },
};

/** Whether the package holds the page: a clone that was not built does not. */
export const hasPage = (): boolean => existsSync(packageFile('dist/page/index.html'));

/**
 * A plugin of Fastify that serves the page and the weights that it loads:
 *
 *     await fastify.register(pageRoutes, { prefix: '/page' });
 *
 * Starting fails with a UserError where the package holds no page, as in a clone that was not built.
 */
export const pageRoutes: FastifyPluginCallback = (fastify, _, done) => {
  if (!hasPage()) {
    done(new UserError('The page is not built here (dist/page); in a clone run npm run page.'));
    return;
  }
  fastify.addHook('onSend', (_request, reply, _payload, next) => {
    reply.headers(pageHeaders);
    next();
  });
  fastify.register(fastifyStatic, { ...headersOfFiles, root: packageFile('dist/page') });
  fastify.register(fastifyStatic, {
    ...headersOfFiles,
    root: packageFile('weights'),
    prefix: '/weights/',
    decorateReply: false,
  });
  done();
};
