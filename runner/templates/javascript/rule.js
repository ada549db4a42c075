/**
 * {{kind}}: `GET {{path}}` lists them, `DELETE {{path}}/{id}` deletes one.
 *
 * Compare with the API's documentation: fields and `reach` in `KIND`, the next page, and what the statuses mean.
 */

import { send } from 'cleanup:rules/http@0.1.0';

const KIND = {
  name: '{{kind}}',
  service: '{{service}}',
  reach: { tag: 'projects' },
  fields: {
    id: '/id',
    names: ['/name'],
    project: '/project_id',
    createdAt: '/created_at',
    status: '/status',
    tags: '',
  },
  owners: [],
  after: [],
  requests: ['DELETE {{path}}/{id}'],
  failedStates: [],
  // All that it is shown of an object are the fields above. What else it needs, it names here.
  extra: [{ name: 'sees', value: '/id' }],
};

export const rule = {
  kinds() {
    return [KIND];
  },

  // The cursor is the path of the page.
  list(_kind, _scope, cursor) {
    const path = cursor ?? '{{path}}';
    const response = request('get', path);
    let body;
    try {
      body = JSON.parse(response.body);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw { tag: 'malformed', val: `GET ${path}: ${error.message}` };
    }
    return { slices: [{ response: response.number, at: '/{{at}}' }], next: nextPage(body) };
  },

  name(_kind, item) {
    return JSON.parse(item.object).name || undefined;
  },

  delete(_kind, item) {
    const { status } = request('delete', `{{path}}/${encodeURIComponent(item.id)}`);
    // What was only accepted is listed again until it is gone.
    return { tag: status === 202 ? 'accepted' : 'gone' };
  },
};

/** Some services link to it in `links`, some in `{{at}}_links`. */
function nextPage(body) {
  return body?.links?.next ?? body?.['{{at}}_links']?.find((link) => link.rel === 'next')?.href;
}

/** Sends a request. Anything but a success is thrown as the error that the contract has for it. */
function request(method, path) {
  const asked = `${method.toUpperCase()} ${path}`;
  let response;
  try {
    response = send({ service: '{{service}}', method, path, headers: [], microversion: '' });
  } catch ({ payload }) {
    throw { tag: 'unavailable', val: `${asked}: ${payload.val ?? 'no such service'}` };
  }
  const { status, body } = response;
  if (status >= 200 && status < 300) return response;
  throw { tag: tagOf(status), val: `${asked}: ${status} ${body}`.trimEnd() };
}

function tagOf(status) {
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
