import * as z from 'zod';
import { type Html, html, htmlPage, htmlTable } from '../report/html.js';
import type { JsonObject, OpenApi, Operation } from './openapi.js';

/** A page that says how to ask a server, made of its description. It needs nothing else, and runs no script. */
export function docsPage(document: OpenApi, url: string): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const contents = operations.map(
    ({ path, method, operation }) =>
      html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a> ${operation.summary}</li>\n`,
  );
  const sections = operations.map(({ path, method, operation }) => section(path, method, operation, url));
  const needsKey = document.security !== undefined;
  const key = needsKey ? html`<p>Send a key with each request: <code>authorization: Bearer KEY</code>.</p>` : html``;
  return htmlPage(
    `poster serve ${document.info.version}`,
    html`<h1>${document.info.title} <span class="faint">${document.info.version}</span></h1>
<p>${document.info.description}</p>
${key}
<p><a href="/openapi.json">The same as an OpenAPI document</a></p>
<ul>
${contents}</ul>
${sections}`,
  );
}

function section(path: string, method: string, operation: Operation, url: string): Html {
  const { operationId, summary, description = '', parameters = [], requestBody, responses } = operation;
  const options = parameters.map(({ name, in: location, schema, description: what = '' }) => [
    name,
    [location === 'path' ? 'in the address' : '', typeText(schema), what].filter((text) => text !== '').join('; '),
  ]);
  const names = new Set(parameters.map(({ name }) => name));
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, body]) => html`<li><code>${type}</code> ${bodyText(body, names)}</li>\n`,
  );
  const answers = Object.entries(responses).map(([status, { description: what, content = {} }]) => [
    status,
    Number(status) < 400 ? Object.keys(content).join(' or ') : what,
  ]);
  const text = [1];
  return html`<section id="${operationId}">
<h2><code>${method} ${path}</code> ${summary}</h2>
${description === '' ? html`` : html`<p>${description}</p>`}
${example(path, method, requestBody?.content, url)}
${options.length === 0 ? html`` : html`<h3>Options</h3><div class="scroll">${htmlTable(['name', 'what it does'], options, { text })}</div>`}
${bodies.length === 0 ? html`` : html`<h3>Bodies</h3><ul>\n${bodies}</ul>`}
<h3>Answers</h3><div class="scroll">${htmlTable(['status', 'what it is'], answers, { text })}</div>
</section>
`;
}

/** A line for a shell. */
function example(path: string, method: string, content: JsonObject | undefined, url: string): Html {
  if (path.includes('{') || path === '/v1/camera') return html``;
  if (method === 'GET') return html`<pre><code>curl ${url}${path}</code></pre>`;
  if (content === undefined || !('multipart/form-data' in content)) return html``;
  const name = path === '/analyze' ? 'img' : path.endsWith('/batch') ? 'images' : 'image';
  return html`<pre><code>curl -F ${name}=@photo.jpg ${url}${path}</code></pre>`;
}

const schemaType = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })).optional(),
});

function typeText(schema: JsonObject): string {
  const { type = 'any', enum: values } = schemaType.parse(schema);
  if (values !== undefined) return values.join(', ');
  return type === 'array' ? 'numbers with commas' : type;
}

/** @param options names that are explained already */
function bodyText(body: unknown, options: ReadonlySet<string>): string {
  const { schema } = z.looseObject({ schema: schemaType.optional() }).parse(body);
  if (schema === undefined) return 'the file of a picture, or bytes as described';
  const fields = Object.entries(schema.properties ?? {});
  const own = fields.filter(([name]) => !options.has(name));
  const names = own.map(([name, { description }]) => (description === undefined ? name : `${name}: ${description}`));
  return [...names, ...(own.length < fields.length ? ['options as fields'] : [])].join('; ');
}
