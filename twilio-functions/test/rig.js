'use strict';
// A Functions runtime in miniature: the globals that Twilio gives, flows to answer with, and one way to call a Function.
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');
const CALL = { CallSid: `CA${'c'.repeat(32)}`, AccountSid: `AC${'a'.repeat(32)}`, From: '+14155550199' };
const ENV = {
  CORE_URL: 'https://core.example',
  STREAM_SECRET: 'a-secret-of-the-tests',
  DOMAIN_NAME: 'gw-1234-dev.twil.io',
};
const LINES = {
  '+14155550100': { label: 'bare' },
  '+14155550101': { label: 'hangs-up', fallback: announcement('hangup') },
  '+14155550102': { label: 'records', fallback: announcement('voicemail') },
  '+14155550103': { label: 'dials', fallback: announcement('dial'), language: 'de' },
  '+14155550104': { label: 'closed-hangs-up', hours: 'hangs-up', language: 'eu-ES' },
  '+14155550105': { label: 'closed-records', hours: 'records', fallback: announcement('dial') },
  '+14155550106': { label: 'closed-dials', hours: 'dials', fallback: announcement('voicemail') },
  '+14155550107': { label: 'at-night', hours: 'night', fallback: announcement('voicemail') },
};

function announcement(then) {
  return { say: `Words before ${then}.`, then, to: then === 'dial' ? '+14155550123' : '' };
}

function closed(name, by) {
  return { name, timezone: 'UTC', weekly: [[], [], [], [], [], [], []], holidays: [], closed: by };
}

function line(number, given) {
  const plain = {
    number,
    persona: 'ava',
    search: null,
    hours: '',
    fallback: null,
    timezone: 'UTC',
    language: '',
    regulatory: {},
  };
  return { ...plain, ...given };
}

/** An artefact as `gateway compile` writes it, as far as Functions read it. */
function flows() {
  const numbers = Object.entries(LINES).map(([number, given]) => line(number, given));
  const bought = line('', {
    label: 'bought',
    search: { country: 'US', type: 'local' },
    fallback: announcement('voicemail'),
  });
  const persona = (primary) => ({ languages: { primary, allowed: [primary] } });
  const limits = {
    max_duration_s: 900,
    warn_at_s: null,
    concurrent_calls: null,
    per_caller: null,
    allow: [],
    countries: [],
  };
  const desk = {
    name: 'desk',
    numbers: [...numbers, bought],
    personas: { ava: persona('en-GB'), night: persona('en-GB') },
    hours: {
      'hangs-up': closed('hangs-up', { persona: '', announcement: announcement('hangup') }),
      records: closed('records', { persona: '', announcement: announcement('voicemail') }),
      dials: closed('dials', { persona: '', announcement: announcement('dial') }),
      night: closed('night', { persona: 'night', announcement: null }),
    },
    limits: { ...limits, deny: ['+1900'] },
  };
  const lines = Object.fromEntries(numbers.map(({ number, label }) => [number, ['desk', label]]));
  return { format: 1, hash: 'f'.repeat(64), flows: { desk }, lines, calling_codes: { 1: 'US' } };
}

class Response {
  headers = {};
  setStatusCode(status) {
    this.status = status;
  }
  appendHeader(name, value) {
    this.headers[name] = value;
  }
  setBody(body) {
    this.body = body;
  }
}

/** Sets the globals of a Function. `text`: the artefact's, what gives it at each reading, or null where there is none. */
function install(text) {
  const assets = fs.readdirSync(path.join(ROOT, 'assets')).filter((name) => name.endsWith('.private.js'));
  const found = assets.map((name) => [`/${name.replace('.private', '')}`, { path: path.join(ROOT, 'assets', name) }]);
  if (text !== null) found.push(['/flows.json', { open: typeof text === 'function' ? text : () => text }]);
  globalThis.Runtime = { getAssets: () => Object.fromEntries(found) };
  globalThis.Twilio = { Response };
}

/** Calls a Function once: {status, type, body, logs}. `core`: what fetch gives, a function of (url, options). */
async function ask(name, form, { env = {}, artefact = flows(), core = silent } = {}) {
  install(artefact !== null && typeof artefact === 'object' ? JSON.stringify(artefact) : artefact);
  const file = ['', '.protected'].map((mark) => path.join(ROOT, 'functions', `${name}${mark}.js`)).find(fs.existsSync);
  const logs = [];
  const kept = { fetch: globalThis.fetch, log: console.log, error: console.error };
  globalThis.fetch = core;
  console.log = console.error = (text) => logs.push(text);
  try {
    const { handler } = require(file);
    const answer = await new Promise((resolve, reject) => {
      const context = { ...ENV, ...env };
      const event = { request: { headers: {} }, ...CALL, ...form };
      handler(context, event, (error, response) => (error ? reject(error) : resolve(response)));
    });
    return { status: answer.status, type: answer.headers['Content-Type'], body: answer.body, logs };
  } finally {
    globalThis.fetch = kept.fetch;
    Object.assign(console, { log: kept.log, error: kept.error });
  }
}

/** A core that nobody reaches. */
async function silent() {
  throw new TypeError('fetch failed');
}

/** A core that answers so. */
function says(answer, status = 200) {
  return async () => new globalThis.Response(typeof answer === 'string' ? answer : JSON.stringify(answer), { status });
}

/** The values of a document's <Parameter>s. */
function parameters(xml) {
  return Object.fromEntries(
    [...xml.matchAll(/<Parameter name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
}

/** What a stream token claims. */
function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
}

module.exports = { ask, install, flows, says, silent, parameters, claims, CALL, ENV, ROOT };
