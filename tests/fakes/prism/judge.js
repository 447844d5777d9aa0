'use strict';
// Sends the REST calls that we make through Prism, which holds them and the fake's answers against Twilio's OpenAPI
// description; names that it doesn't have, which Prism passes over, are looked for here. Prints a JSON object: `ours` and
// `planted` (by our requests, and by wrong ones that must be seen), each {seen, violations}, a violation {request, where,
// path, message, code}; and `undone`, why our requests were not all made.
// Usage: node judge.js PRISM (the binary), with api.json beside this file.
const { spawn } = require('node:child_process');
const net = require('node:net');
const path = require('node:path');
const { createRequire } = require('node:module');

const api = require('./api.json');
const { account, listen, seed } = require('../twilio_api/server.js');
const { clientOf } = require('../twilio_api/sdk.js');

const FUNCTIONS = path.join(__dirname, '..', '..', '..', 'twilio-functions');
const twilio = createRequire(path.join(FUNCTIONS, 'package.json'))('twilio');
const plans = require(path.join(FUNCTIONS, 'assets', 'numbers-plan.private.js'));
const numbers = require(path.join(FUNCTIONS, 'assets', 'numbers-account.private.js'));

const WHO = { sid: `AC${'0'.repeat(32)}`, token: 'f'.repeat(32) };
const READY_MS = 60_000;

function line(label, more) {
  return { label, number: '', search: null, hours: '', fallback: null, regulatory: {}, ...more };
}

/** A line of each kind: owned, shadowed, bought with every search there is, and with SIDs. */
function flows() {
  const search = (type, more) => ({ search: { country: 'US', type, area_code: '', contains: '', ...more } });
  const regulatory = { address_sid: `AD${'1'.repeat(32)}`, bundle_sid: `BU${'2'.repeat(32)}` };
  const lines = [
    line('owned', { number: '+14155550100' }),
    line('shadowed', { number: '+14155550101' }),
    line('local', { ...search('local', { area_code: '415', contains: '555' }), regulatory }),
    line('mobile', search('mobile')),
    line('free', search('toll_free')),
  ];
  return {
    format: 1,
    hash: 'f00d',
    flows: { clinic: { name: 'clinic', numbers: lines, hours: {} } },
    calling_codes: {},
  };
}

function stocked() {
  const state = account(WHO);
  const sale = { '+14155550111': {}, '+14155550112': { kind: 'mobile' }, '+18005550113': { kind: 'toll_free' } };
  const shadowed = { voice_application_sid: `AP${'a'.repeat(32)}` };
  seed(state, { numbers: { '+14155550100': {}, '+14155550101': shadowed }, sale });
  return state;
}

async function judge(binary) {
  const state = stocked();
  const server = await listen(state);
  const port = await freePort();
  const document = path.join(__dirname, 'api.json');
  const options = ['-p', String(port), '-v', 'silent', `http://127.0.0.1:${server.port}`];
  const prism = spawn(binary, ['proxy', document, ...options], { stdio: 'ignore' });
  try {
    await answering(port);
    return await exercised(state, port);
  } finally {
    prism.kill();
    await server.close();
  }
}

async function exercised(state, port) {
  const report = { ours: { seen: 0, violations: [] }, planted: { seen: 0, violations: [] }, undone: '' };
  report.undone = await applied(clientOf(twilio, state, port, watching(state, report.ours)));
  await planted(clientOf(twilio, state, port, watching(state, report.planted)), state);
  return report;
}

/** Puts what Prism and we have against each request and its answer into `into`. */
function watching(state, into) {
  return ({ when, answer }) => {
    if (when !== 'after') return;
    const asked = state.requests.at(-1);
    const violations = JSON.parse(answer.headers['sl-violations'] ?? '[]').map(flat);
    const request = `${asked.method} ${asked.path}`;
    into.violations.push(...[...violations, ...misnamed(asked)].map((one) => ({ request, ...one })));
    into.seen += 1;
  };
}

/** Every REST call of ours, once at least. Gives why some were not made, or nothing. */
async function applied(client) {
  const want = plans.desired(flows(), { domain: 'gw-dev.twil.io', core: 'https://core.example.com' });
  try {
    const result = await numbers.apply(client, plans, want, { allowed: { buy: true, takeOver: true } });
    const { done, left, stopped } = result;
    return done.length === 6 ? '' : JSON.stringify({ done: done.length, left, stopped });
  } catch (error) {
    return String(error);
  }
}

/** Requests that are wrong: in a value, in the name of a form's field, in the name of a query's parameter. */
async function planted(client, state) {
  const account2010 = `https://api.twilio.com/2010-04-01/Accounts/${state.account}`;
  const number = `${account2010}/IncomingPhoneNumbers/${state.numbers[0].sid}.json`;
  const shop = `${account2010}/AvailablePhoneNumbers/US/Local.json`;
  await client.request({ method: 'post', uri: number, data: { VoiceMethod: 'PATCH' } });
  await client.request({ method: 'post', uri: number, data: { VoiceUri: 'https://core.example.com/' } });
  await client.request({ method: 'get', uri: shop, params: { VoiceEnable: 'true' } });
  await client.request({ method: 'get', uri: shop, params: { AreaCode: 'abc' } });
}

/** What a request's form and query hold that Twilio doesn't name. Prism validates only the names that it knows. */
function misnamed({ method, path: asked, form, query }) {
  const operation = operationOf(method, asked);
  if (!operation) return [violation('path', 'Twilio describes no such request')];
  const { parameters = [], requestBody } = operation;
  const fields = requestBody?.content['application/x-www-form-urlencoded'].schema.properties ?? {};
  const known = parameters.filter((one) => one.in === 'query').map((one) => one.name);
  return [...unknown('body', form, Object.keys(fields)), ...unknown('query', query, known)];
}

function operationOf(method, asked) {
  const found = Object.keys(api.paths).find((one) => new RegExp(`^${one.replace(/{\w+}/g, '[^/]+')}$`).test(asked));
  return found && api.paths[found][method.toLowerCase()];
}

function unknown(where, given, known) {
  const names = Object.keys(given).filter((name) => !known.includes(name));
  return names.map((name) => violation(`${where}.${name}`, 'Twilio knows no such name'));
}

function violation(inside, message) {
  return { where: 'request', path: inside, message, code: 'misnamed' };
}

function flat({ location = [], message, code }) {
  const [where, ...inside] = location;
  return { where, path: inside.filter((one) => !/^\d+$/.test(one)).join('.'), message, code };
}

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function answering(port) {
  const until = Date.now() + READY_MS;
  for (;;) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

judge(process.argv[2]).then((found) => process.stdout.write(JSON.stringify(found)));
