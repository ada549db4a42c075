/**
 * Ports of the network service.
 *
 * Many ports have no name: they belong to the router or the server that uses them. A router's interface is a port that
 * only the router can remove.
 *
 * @import { HttpError, Method, Response } from 'cleanup:rules/http@0.1.0'
 * @import { Item, Kind, Outcome, Owner, Page, RuleError, Scope, Thing } from 'cleanup:rules/model@0.1.0'
 */

import { send } from 'cleanup:rules/http@0.1.0';

/** @type {Kind} */
const PORT = {
  name: 'network.port',
  service: 'network',
  reach: { tag: 'projects' },
  fields: {
    id: '/id',
    names: ['/name'],
    project: '/project_id',
    createdAt: '/created_at',
    status: '/status',
    tags: '/tags',
  },
  owners: [
    { kind: 'network.router', at: '/device_id' },
    { kind: 'compute.server', at: '/device_id' },
  ],
  // A server takes along the ports that were made for it.
  after: ['compute.server'],
  requests: [
    'PUT /v2.0/routers/{/device_id}/remove_router_interface {"port_id":"{id}"}',
    'DELETE /v2.0/ports/{id}',
  ],
  failedStates: [],
  // All that it is shown of a port is what is named above, and this.
  extra: [{ name: 'sees', value: '/device_owner' }],
};

/** What a router calls its ports on the networks that it connects. It has other ports, which go with it. */
const INTERFACES = [
  'network:router_interface',
  'network:router_interface_distributed',
  'network:ha_router_replicated_interface',
];

export const rule = {
  /** @returns {Kind[]} */
  kinds() {
    return [PORT];
  },

  /**
   * @param {string} _kind
   * @param {Scope} scope
   * @param {string} [cursor] the path of the page
   * @returns {Page}
   */
  list(_kind, scope, cursor) {
    const path = cursor ?? firstPage(scope);
    const response = request('get', path);
    const body = parsed(response.body);
    if (!Array.isArray(body?.ports)) {
      fail('malformed', `GET ${path} shows no list of ports`);
    }
    const links = /** @type {{ rel: string, href: string }[]} */ (body.ports_links ?? []);
    return {
      slices: [{ response: response.number, at: '/ports' }],
      next: links.find((link) => link.rel === 'next')?.href,
    };
  },

  /**
   * @param {string} _kind
   * @param {Item} item
   * @returns {string | undefined}
   */
  name(_kind, item) {
    const { name } = JSON.parse(item.object);
    return typeof name === 'string' && name !== '' ? name : undefined;
  },

  /**
   * @param {string} _kind
   * @param {Item} item
   * @returns {Outcome}
   */
  delete(_kind, item) {
    const port = JSON.parse(item.object);
    try {
      if (INTERFACES.includes(port.device_owner)) {
        const path = `/v2.0/routers/${port.device_id}/remove_router_interface`;
        request('put', path, JSON.stringify({ port_id: item.id }));
      } else {
        request('delete', `/v2.0/ports/${item.id}`);
      }
    } catch (error) {
      const { tag } = /** @type {RuleError} */ (error);
      const user = portUser(port);
      // A gateway goes with its router, an interface after the routes through it: the router is in the way.
      if (tag === 'conflict' && user?.kind === 'network.router') return { tag: 'blocked', val: [user] };
      if (tag !== 'not-found') throw error;
    }
    return { tag: 'gone' };
  },
};

export const owners = {
  /**
   * @param {string} _kind
   * @param {Item} item
   * @returns {Owner[]}
   */
  owners(_kind, item) {
    const user = portUser(JSON.parse(item.object));
    return user ? [{ relation: 'named-by', owner: user }] : [];
  },
};

/**
 * What uses a port.
 *
 * @param {Record<string, unknown>} port
 * @returns {Thing | undefined}
 */
function portUser({ device_owner: role, device_id: id }) {
  if (typeof role !== 'string' || typeof id !== 'string' || id === '') return undefined;
  if (role.startsWith('network:router') || INTERFACES.includes(role)) return { kind: 'network.router', id };
  if (role.startsWith('compute:')) return { kind: 'compute.server', id };
  return undefined;
}

/**
 * @param {Scope} scope
 * @returns {string}
 */
function firstPage(scope) {
  const path = '/v2.0/ports?limit=500';
  switch (scope.tag) {
    case 'all':
      return path;
    case 'project':
      return `${path}&project_id=${scope.val}`;
    case 'under':
      throw new Error('ports are not listed under anything');
  }
}

/**
 * Sends a request. Anything but a success is thrown as the error that the contract has for it.
 *
 * @param {Method} method
 * @param {string} path
 * @param {string} [body]
 * @returns {Response}
 */
function request(method, path, body) {
  const asked = `${method.toUpperCase()} ${path}`;
  let response;
  try {
    response = send({ service: 'network', method, path, headers: [], microversion: '', body });
  } catch (error) {
    const { payload } = /** @type {{ payload: HttpError }} */ (error);
    fail(UNANSWERED[payload.tag], `${asked}: ${'val' in payload ? payload.val : 'no such service'}`);
  }
  const { status } = response;
  if (status >= 200 && status < 300) return response;
  const message = parsed(response.body)?.NeutronError?.message;
  const why = typeof message === 'string' && message !== '' ? ` ${message}` : '';
  fail(refused(status), `${asked}: ${status}${why}`);
}

/**
 * The error for a status.
 *
 * @param {number} status
 * @returns {RuleError['tag']}
 */
function refused(status) {
  switch (status) {
    case 401:
    case 403:
      return 'denied';
    case 404:
      return 'not-found';
    case 409:
      return 'conflict';
    case 429:
      return 'throttled';
    default:
      return status >= 500 ? 'unavailable' : 'other';
  }
}

/**
 * The error for each reason why there is no answer.
 *
 * @type {Record<HttpError['tag'], RuleError['tag']>}
 */
const UNANSWERED = {
  refused: 'other',
  'no-service': 'other',
  throttled: 'throttled',
  timeout: 'unavailable',
  unreachable: 'unavailable',
  'too-large': 'malformed',
  unauthorized: 'denied',
  other: 'other',
};

/**
 * Only an object like this is an error of the rule's; any other exception is a crash.
 *
 * @param {RuleError['tag']} tag
 * @param {string} text
 * @returns {never}
 */
function fail(tag, text) {
  throw tag === 'not-found' ? { tag } : { tag, val: text };
}

/**
 * The value of a JSON text, or undefined if it is none.
 *
 * @param {string} text
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
