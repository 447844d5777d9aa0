'use strict';
// The rules of Twilio's cloud, put in front of the local runtime, which applies none of them: a protected Function takes
// only what Twilio has signed, a private one and every private asset can't be reached, and nothing runs past 10 s.
// `node test/gate.js --help` for the command; the Functions' environment is then the command's own.
const http = require('node:http');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { validateRequest } = require('twilio');
const { fsHelpers } = require('@twilio-labs/serverless-api');
const { LocalDevelopmentServer } = require('@twilio/runtime-handler/dev');

const LIMIT_MS = 10_000;
const METHODS = new Set(['GET', 'POST', 'OPTIONS']);
const OPTIONS = {
  dir: { type: 'string', default: path.join(__dirname, '..') },
  port: { type: 'string', default: '0' },
  url: { type: 'string' },
  upstream: { type: 'string' },
  help: { type: 'boolean' },
};
const HELP = `node test/gate.js [--dir PROJECT] [--port 3000] [--url PUBLIC_URL] [--upstream http://localhost:3001]
Serves a Functions project as Twilio's cloud would, and prints {"url": …} when it is ready. AUTH_TOKEN and what else the
Functions read comes from the environment. --url: as Twilio was told, if it isn't the gate's own address.
--upstream: a running twilio-run start, instead of a runtime within this process.`;

/** Serves the project in `dir` with the environment `env` (AUTH_TOKEN signs). `url`: the public one, if another than the
 *  gate's own; `upstream`: the base URL of a running runtime, else one is started in this process, with `fork` a process
 *  per request. Gives {url, port, close()}. */
async function gate({ dir, env, port = 0, url, upstream, limitMs = LIMIT_MS, fork = false }) {
  const routes = await fsHelpers.getListOfFunctionsAndAssets(dir, {});
  const resources = new Map(
    [...routes.functions, ...routes.assets].map((resource) => [resource.path, resource.access]),
  );
  const server = http.createServer();
  await listening(server, port);
  const own = `http://127.0.0.1:${server.address().port}`;
  const rules = { resources, token: env.AUTH_TOKEN, url: url ?? own, limitMs };
  const runtime = upstream ? null : await runtimeOf({ dir, env, routes, fork, url: rules.url });
  rules.upstream = upstream ?? `http://127.0.0.1:${runtime.address().port}`;
  server.on('request', (request, response) => serve(rules, request, response));
  return { url: rules.url, port: server.address().port, close: () => [server, runtime].forEach(closed) };
}

async function runtimeOf({ dir, env, routes, fork, url }) {
  const config = { baseDir: dir, env, routes, url, forkProcess: fork, live: false, logs: false };
  const server = http.createServer(new LocalDevelopmentServer(0, config).getApp());
  return listening(server, 0);
}

async function serve(rules, request, response) {
  const body = await whole(request);
  const refused = refusal(rules, request, body);
  if (refused) return end(response, refused);
  const options = { method: request.method, headers: request.headers };
  const onward = http.request(rules.upstream + request.url, options, (answer) => {
    clearTimeout(timer);
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  const timer = setTimeout(() => (end(response, 504), onward.destroy()), rules.limitMs);
  onward.on('error', () => end(response, 502)).end(body);
}

/** The status with which the cloud turns a request away, or 0. */
function refusal({ resources, token, url }, request, body) {
  const access = resources.get(new URL(request.url, url).pathname);
  if (!METHODS.has(request.method)) return 405;
  if (access === undefined) return 404;
  if (access === 'private') return 403;
  return access === 'protected' && !signed(token, url + request.url, request, body) ? 403 : 0;
}

function signed(token, url, request, body) {
  const form = {};
  for (const [name, value] of new URLSearchParams(body.toString()))
    form[name] = name in form ? [form[name], value].flat() : value;
  return validateRequest(token, request.headers['x-twilio-signature'] ?? '', url, form);
}

async function whole(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function end(response, status) {
  if (!response.headersSent) response.writeHead(status).end();
}

function listening(server, port) {
  return new Promise((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server)),
  );
}

function closed(server) {
  server?.close();
  server?.closeAllConnections();
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(HELP);
  if (!process.env.AUTH_TOKEN) {
    console.error('gate: AUTH_TOKEN is not set: export it, signatures are checked by it (locally any text will do)');
    process.exit(2);
  }
  const { dir, port, url, upstream } = values;
  const open = await gate({ dir: path.resolve(dir), env: { ...process.env }, port: Number(port), url, upstream });
  console.log(JSON.stringify({ url: open.url, port: open.port }));
  process.stdin.on('end', () => process.exit(0)).resume(); // whoever started it is gone
}

if (require.main === module) main();

module.exports = { gate };
