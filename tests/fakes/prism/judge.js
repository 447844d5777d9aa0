'use strict';
// Sends the REST calls that we make through Prism, which holds them and the fake's answers against Twilio's OpenAPI
// description. Prints a JSON list: one {request, where, path, message, code} for each violation, and {seen} at its end.
// Usage: node judge.js PRISM (the binary), with api.json beside this file.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const net = require('node:net');
const path = require('node:path');
const { createRequire } = require('node:module');

const { account, listen, seed } = require('../twilio_api/server.js');
const { clientOf } = require('../twilio_api/sdk.js');

const FUNCTIONS = path.join(__dirname, '..', '..', '..', 'twilio-functions');
const twilio = createRequire(path.join(FUNCTIONS, 'package.json'))('twilio');
const plans = require(path.join(FUNCTIONS, 'assets', 'numbers-plan.private.js'));
const numbers = require(path.join(FUNCTIONS, 'assets', 'numbers-account.private.js'));

const CALL = `CA${'1'.repeat(32)}`;
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
  seed(state, { numbers: { '+14155550100': {}, '+14155550101': shadowed }, sale, calls: { [CALL]: {} } });
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

/** Every REST call of ours, once at least. */
async function exercised(state, port) {
  const found = [];
  let seen = 0;
  const watch = ({ when, answer }) => {
    if (when !== 'after') return;
    const { method, path: asked } = state.requests.at(-1) ?? {};
    const violations = JSON.parse(answer.headers['sl-violations'] ?? '[]');
    found.push(...violations.map((one) => ({ request: `${method} ${asked}`, ...flat(one) })));
    seen += 1;
  };
  const client = clientOf(twilio, state, port, watch);
  const want = plans.desired(flows(), { domain: 'gw-dev.twil.io', core: 'https://core.example.com' });
  const { done, left, stopped } = await numbers.apply(client, plans, want, { allowed: { buy: true, takeOver: true } });
  if (done.length !== 6) throw new Error(JSON.stringify({ left, stopped, found }));
  await client.calls(CALL).update({ twiml: '<Response><Hangup/></Response>' });
  await client.calls(CALL).update({ status: 'completed' });
  const { sid } = state.numbers[0];
  const wrong = client.incomingPhoneNumbers(sid).update({ voiceMethod: 'PATCH' }); // which the judge must see
  await assert.rejects(wrong);
  return [...found, { seen }];
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
