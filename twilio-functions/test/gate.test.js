'use strict';
// Through the real runtime, over HTTP, under the cloud's rules.
const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { getExpectedTwilioSignature: sign } = require('twilio/lib/webhooks/webhooks');
const { gate } = require('./gate');
const { flows, parameters, CALL, ROOT } = require('./rig');

const AUTH_TOKEN = '0123456789abcdef0123456789abcdef';
const SLOW = "exports.handler = (context, event, callback) => setTimeout(() => callback(null, 'late'), 1500);\n";
const HIDDEN = "exports.handler = (context, event, callback) => callback(null, 'seen');\n";

let dir; // a copy of the project with flows of the tests
let core; // takes connections and never answers, until `answers` says something
let answers = null;
let open;

function copy() {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'functions-'));
  for (const name of ['functions', 'assets'])
    fs.cpSync(path.join(ROOT, name), path.join(made, name), { recursive: true });
  for (const name of ['package.json', 'node_modules']) fs.symlinkSync(path.join(ROOT, name), path.join(made, name));
  fs.writeFileSync(path.join(made, 'assets', 'flows.private.json'), JSON.stringify(flows()));
  fs.writeFileSync(path.join(made, 'functions', 'slow.js'), SLOW);
  fs.writeFileSync(path.join(made, 'functions', 'hidden.private.js'), HIDDEN);
  return made;
}

function env() {
  return { AUTH_TOKEN, CORE_URL: `http://127.0.0.1:${core.address().port}`, STREAM_SECRET: 'a-secret' };
}

/** As Twilio asks: a form and its signature. */
async function post(url, form, signature = sign(AUTH_TOKEN, url, form)) {
  const headers = signature === null ? {} : { 'X-Twilio-Signature': signature };
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers });
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() };
}

before(async () => {
  dir = copy();
  core = http.createServer((request, response) => answers && response.end(JSON.stringify(answers)));
  await once(core.listen(0, '127.0.0.1'), 'listening');
  open = await gate({ dir, env: env(), limitMs: 1000 });
});

after(() => {
  open.close();
  core.close();
  core.closeAllConnections();
  fs.rmSync(dir, { recursive: true });
});

test('without the token that signs, the gate does not open', () => {
  const command = [path.join(__dirname, 'gate.js'), '--dir', dir];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { env: {}, input: '', encoding: 'utf8' });
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^gate: AUTH_TOKEN is not set: export it/);
});

test('a signed call is answered at once, though the core hangs', async () => {
  const begun = Date.now();
  const { status, type, body } = await post(`${open.url}/voice`, { ...CALL, To: '+14155550100', Blank: '' });
  assert.deepEqual([status, type], [200, 'text/xml; charset=utf-8']);
  assert.ok(Date.now() - begun < 900);
  assert.equal(parameters(body).persona, 'ava');
  assert.ok(body.includes(`<Connect action="${open.url}/after?attempt=1"`), body);
});

test('the whole way: stream, after, dial, done, voicemail', async () => {
  answers = { next: 'dial', to: '+14155550123', timeout_s: 20 };
  const form = { ...CALL, To: '+14155550111' };
  const href = (xml) => /action="([^"]+)"/.exec(xml)[1].replaceAll('&amp;', '&');
  const voice = await post(`${open.url}/voice?line=desk/bought`, form);
  const dial = await post(href(voice.body), form);
  answers = null;
  assert.match(dial.body, /<Dial [^>]+>\+14155550123<\/Dial>/);
  const record = await post(href(dial.body), { ...form, DialCallStatus: 'no-answer' });
  assert.match(record.body, /<Record /);
  assert.match((await post(href(record.body), { ...form, RecordingUrl: 'x' })).body, /<Response><Hangup\/>/);
  assert.equal((await post(`${open.url}/voicemail`, { CallSid: CALL.CallSid, RecordingSid: 'RE1' })).status, 204);
});

test('what Twilio has not signed is turned away', async () => {
  const url = `${open.url}/voice`;
  const form = { ...CALL, To: '+14155550100' };
  const forged = [
    null,
    '',
    'x',
    sign('f'.repeat(32), url, form),
    sign(AUTH_TOKEN, `${url}?line=desk/bought`, form),
    sign(AUTH_TOKEN, url, CALL),
  ];
  for (const signature of forged) assert.equal((await post(url, form, signature)).status, 403);
  for (const name of ['after', 'done', 'fallback', 'stream-status', 'voicemail']) {
    assert.equal((await post(`${open.url}/${name}`, form, null)).status, 403, name);
  }
});

test('private things are out of reach, public ones are not, slow ones are cut', async () => {
  const statusOf = async (place, options) => (await fetch(open.url + place, options)).status;
  for (const place of ['/hidden', '/flows.json', '/door.js', '/token.js'])
    assert.equal(await statusOf(place), 403, place);
  assert.equal(await statusOf('/nowhere'), 404);
  assert.equal(await statusOf('/health', { method: 'PUT' }), 405);
  assert.equal(await statusOf('/slow'), 504);
  const health = await fetch(`${open.url}/health`);
  assert.deepEqual([health.status, (await health.json()).ok], [200, true]);
});

test('the same under twilio-run start, with a process for each request', { timeout: 40_000 }, async () => {
  const given = Object.entries({ ...env(), ACCOUNT_SID: CALL.AccountSid });
  fs.writeFileSync(path.join(dir, '.env'), given.map(([name, value]) => `${name}=${value}\n`).join(''));
  const binary = path.join(ROOT, 'node_modules', '.bin', 'twilio-run');
  const port = await free();
  const child = spawn(binary, ['start', '--port', String(port), '--no-logs'], { cwd: dir, stdio: 'ignore' });
  try {
    const upstream = `http://localhost:${port}`;
    await up(`${upstream}/health`);
    const front = await gate({ dir, env: env(), upstream });
    const { status, body } = await post(`${front.url}/voice`, { ...CALL, To: '+14155550100' });
    front.close();
    assert.equal(status, 200);
    assert.ok(body.includes(`<Connect action="${upstream}/after?attempt=1"`), body);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

async function free() {
  const server = http.createServer();
  await once(server.listen(0), 'listening');
  const { port } = server.address();
  await once(server.close(), 'close');
  return port;
}

async function up(url) {
  for (let tries = 0; tries < 150; tries += 1) {
    const well = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (well) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail(`${url} never answered`);
}
