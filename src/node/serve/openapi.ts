import * as z from 'zod';
import { itemAt } from '../../common/item-at.js';
import { type ProblemName, problemDocument, problemType, statusOf, titleOf } from '../../service/problem-document.js';
import { binary, type Endpoint } from './endpoint.js';

/** JSON as OpenAPI's documents are made of. */
export interface JsonObject {
  readonly [key: string]: unknown;
}

/** What a document of OpenAPI 3.1 holds here. */
export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: JsonObject;
  readonly security?: readonly JsonObject[];
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: JsonObject };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: JsonObject }>>;
  readonly security?: readonly JsonObject[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonObject;
}

const problemReference = { $ref: '#/components/schemas/Problem' };

/**
 * Describes a server by the schemas that its requests are checked with.
 * @param needsKey whether it has keys
 */
export function openApiDocument(endpoints: readonly Endpoint[], version: string, needsKey: boolean): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const endpoint of endpoints) {
    const operations = paths[endpoint.path] ?? {};
    operations[endpoint.method.toLowerCase()] = operationOf(endpoint, needsKey);
    paths[endpoint.path] = operations;
  }
  const keys = {
    bearer: { type: 'http', scheme: 'bearer' },
    apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'poster serve',
      version,
      description:
        'Finds the faces of pictures and reads their expressions. Errors are problems as RFC 9457 describes them.',
    },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemDocument) },
      ...(needsKey ? { securitySchemes: keys } : {}),
    },
    ...(needsKey ? { security: [{ bearer: [] }, { apiKey: [] }] } : {}),
  };
}

function operationOf(endpoint: Endpoint, needsKey: boolean): Operation {
  const { method, path, summary, description, query, body, answer, problems, guard } = endpoint;
  const parameters = [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))];
  const socket = endpoint.socket === undefined ? '200' : '101';
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[/{}_]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: { [socket]: { description: 'The answer', content: contentOf(answer) }, ...problemResponses(problems) },
    ...(needsKey && guard === 'nothing' ? { security: [] } : {}),
  };
}

function problemResponses(names: readonly ProblemName[]): Record<string, { description: string; content: JsonObject }> {
  const byStatus = new Map<number, ProblemName[]>();
  for (const name of [...names, 'internal'] satisfies ProblemName[]) {
    byStatus.set(statusOf(name), [...(byStatus.get(statusOf(name)) ?? []), name]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      String(status),
      {
        description: same.map((name) => `${titleOf(name)} (${name})`).join('; '),
        content: { [problemType]: { schema: problemReference } },
      },
    ]),
  );
}

function contentOf(types: Readonly<Record<string, z.ZodType | typeof binary>>): JsonObject {
  return Object.fromEntries(
    Object.entries(types).map(([type, schema]) => [type, schema === binary ? {} : { schema: schemaOf(schema) }]),
  );
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((found) => ({
    name: itemAt(found, 1),
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject): Parameter[] {
  const { properties } = z.looseObject({ properties: z.record(z.string(), z.looseObject({})) }).parse(schemaOf(query));
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(typeof description === 'string' ? { description } : {}),
    // Lists stand in one value, with commas.
    ...(schema['type'] === 'array' ? { style: 'form', explode: false } : {}),
    schema,
  }));
}

/** JSON Schema of what a value is once it has been checked: what addresses give as text counts as what it stands for. */
function schemaOf(schema: z.ZodType): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => sayTupleAsList(jsonSchema),
  });
  return rest;
}

/** A tuple of one type is a list of fixed length: not every program that reads such documents knows tuples. */
function sayTupleAsList(schema: z.core.JSONSchema.BaseSchema): void {
  const { prefixItems = [] } = schema;
  const [first, ...others] = prefixItems;
  if (first === undefined || others.some((other) => JSON.stringify(other) !== JSON.stringify(first))) return;
  delete schema.prefixItems;
  schema.items = first;
  schema.minItems = prefixItems.length;
  schema.maxItems = prefixItems.length;
}
