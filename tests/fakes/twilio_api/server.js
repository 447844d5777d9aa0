'use strict';
// Twilio's REST API, played on this machine: an HTTP server that is a forward proxy too, which answers CONNECT to
// *.twilio.com itself and refuses every other host. See ../README.md.
const http = require('node:http');
const https = require('node:https');
const { Refusal, unknown } = require('./answers');
const numbers = require('./numbers');
const serverless = require('./serverless');

const ROUTES = {
  api: numbers.routes,
  voice: numbers.routes,
  serverless: serverless.routes,
  'serverless-upload': serverless.routes,
};
const LIMIT = 64 * 1024 * 1024; // of one request's body

/** An empty account. `folder`: where deployed projects are written. */
function account({ sid, token, folder = '' }) {
  return {
    account: sid,
    token,
    folder,
    numbers: [],
    sale: [],
    calls: [],
    updates: [],
    dialing: { US: true },
    services: [],
    environments: [],
    resources: [],
    versions: [],
    contents: {},
    builds: [],
    polls: {},
    variables: [],
    deployments: [],
    refusals: [],
    requests: [],
  };
}

/** One request -> {status, body, headers}. `asked`: host, method, path, query, headers, form, parts. */
function answer(state, asked) {
  state.requests.push({
    host: asked.host,
    method: asked.method,
    path: asked.path,
    query: asked.query,
    form: asked.form,
  });
  try {
    const staged = state.refusals.find((one) => one.method === asked.method && new RegExp(one.path).test(asked.path));
    if (staged) return stage(state, staged);
    authenticated(state, asked);
    return routed(state, asked);
  } catch (error) {
    if (error instanceof Refusal) return error.answer();
    throw error;
  }
}

/** A refusal that the test has put in the way, `times` times. */
function stage(state, staged) {
  staged.times = (staged.times ?? 1) - 1;
  if (staged.times <= 0) state.refusals = state.refusals.filter((one) => one !== staged);
  return { status: staged.status, body: staged.body ?? {}, headers: staged.headers };
}

function authenticated(state, { headers }) {
  const [, sent = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  if (Buffer.from(sent, 'base64').toString() !== `${state.account}:${state.token}`) {
    throw new Refusal(401, 20003, 'Authenticate');
  }
}

function routed(state, asked) {
  const routes = ROUTES[asked.host.split('.')[0]] ?? [];
  for (const [method, pattern, run] of routes) {
    const found = method === asked.method && pattern.exec(asked.path);
    if (found) return run(state, { ...asked, part: found.slice(1) });
  }
  throw unknown(asked.path);
}

/** The fake as a server on a free port of the loopback: {port, close()}. `tls`: {key, cert}, for the proxy. */
async function listen(state, { port = 0, tls } = {}) {
  const handler = (request, response) => serve(state, request, response);
  const server = http.createServer(handler);
  const secure = tls && https.createServer(tls, handler);
  server.on('connect', (request, socket) => tunnel(secure, request, socket));
  await new Promise((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return { port: server.address().port, close: () => closed(server) };
}

function closed(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

function tunnel(secure, request, socket) {
  socket.on('error', () => socket.destroy());
  if (!secure || !/^[\w.-]+\.twilio\.com:443$/.test(request.url)) {
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    return;
  }
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  secure.emit('connection', socket);
}

async function serve(state, request, response) {
  const { status, body, headers } = await taken(state, request);
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(body === null ? '' : JSON.stringify(body));
}

async function taken(state, request) {
  const raw = await bodyOf(request);
  if (request.url.startsWith('/__fake/')) return control(state, request, raw);
  const host = /twilio\.com$/.test(request.headers.host) ? request.headers.host : 'api.twilio.com';
  const url = new URL(request.url, `https://${host}`);
  const asked = {
    host,
    method: request.method,
    path: url.pathname,
    query: flat(url.searchParams),
    headers: request.headers,
  };
  return answer(state, { ...asked, ...contentOf(request.headers['content-type'] ?? '', raw) });
}

async function bodyOf(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > LIMIT) throw new Error('this body is too long for the fake');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function contentOf(type, raw) {
  const [, boundary] = /^multipart\/form-data;.*boundary="?([^";]+)/.exec(type) ?? [];
  if (boundary) return { form: {}, parts: partsOf(boundary, raw) };
  return { form: flat(new URLSearchParams(raw.toString())), parts: {} };
}

/** A name that comes again has a list. */
function flat(params) {
  const found = {};
  for (const key of new Set(params.keys())) {
    const values = params.getAll(key);
    found[key] = values.length > 1 ? values : values[0];
  }
  return found;
}

/** multipart/form-data (RFC 7578): name -> bytes. */
function partsOf(boundary, raw) {
  const text = raw.toString('latin1');
  const found = {};
  for (const piece of text.split(`--${boundary}`).slice(1, -1)) {
    const end = piece.indexOf('\r\n\r\n');
    const [, name] = /name="([^"]*)"/.exec(piece.slice(0, end)) ?? [];
    found[name] = Buffer.from(piece.slice(end + 4, -2), 'latin1');
  }
  return found;
}

/** For tests in another process: `state` (what there is), `seed` (numbers, sale, calls, dialing), `refuse`. */
function control(state, request, raw) {
  if (request.method === 'GET') return { status: 200, body: { ...state, token: undefined, contents: undefined } };
  const said = JSON.parse(raw.toString());
  if (request.url === '/__fake/refuse') state.refusals.push(said);
  else seed(state, said);
  return { status: 200, body: {} };
}

/** numbers: {phone: fields}, sale: {phone: fields}, calls: {sid: fields}, dialing: {country: whether}. */
function seed(state, { numbers: own = {}, sale = {}, calls = {}, dialing = {} }) {
  for (const [phone, more] of Object.entries(own)) state.numbers.push(numbers.owned(state, phone, more));
  for (const [phone, more] of Object.entries(sale)) state.sale.push(numbers.offered(phone, more));
  for (const [sid, more] of Object.entries(calls)) state.calls.push(numbers.ringing(state, sid, more));
  Object.assign(state.dialing, dialing);
}

module.exports = { account, answer, flat, listen, seed };
