'use strict';
// The command: its exit codes and what it says, against a fake account.
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const twilio = require('twilio');
const { clientOf: credentials, main } = require('../numbers/cli.js');
const { name: SERVICE } = require('../package.json');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { ROOT } = require('./rig');
const { clientOf } = require('../../tests/fakes/twilio_api/sdk.js');

const WHO = { sid: `AC${'0'.repeat(32)}`, token: 'f'.repeat(32) };
const ENV = { CORE_URL: 'https://core.example.com' };
const HERE = ['--domain', 'gw-dev.twil.io'];
const DESK = { label: 'desk', number: '+14155550100', search: null, hours: '', fallback: null, regulatory: {} };
const WELL = {
  friendly_name: 'gw:clinic/desk',
  voice_url: 'https://gw-dev.twil.io/voice',
  voice_fallback_url: 'https://core.example.com/twiml',
};

let server;
let folder;
const state = {};
before(async () => {
  server = await fakes.listen(state);
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'numbers-'));
});
beforeEach(() => account({}));
after(() => {
  fs.rmSync(folder, { recursive: true });
  return server.close();
});

/** The account owns the desk's number, with these fields. */
function account(fields) {
  for (const key of Object.keys(state)) delete state[key];
  Object.assign(state, fakes.account(WHO));
  fakes.seed(state, { numbers: { '+14155550100': fields }, sale: { '+14155550111': {} } });
}

/** One run, for the desk and further lines: {code, out, err}. `format`: of the compiled flows. */
async function run(argv, given = {}) {
  const { lines = [], env = ENV, format = 1, connect = () => clientOf(twilio, state, server.port) } = given;
  const flows = { clinic: { name: 'clinic', numbers: [DESK, ...lines], hours: {} } };
  const file = path.join(folder, 'flows.json');
  fs.writeFileSync(file, JSON.stringify({ format, hash: 'f00d', flows, calling_codes: { 1: 'US', 33: 'FR' } }));
  const said = { out: '', err: '' };
  const out = (text) => (said.out += text);
  const err = (text) => (said.err += text);
  const code = await main([...argv, '--flows', file], { env, out, err, connect });
  return { code, ...said };
}

async function deployed(...suffixes) {
  const client = clientOf(twilio, state, server.port);
  const { services } = client.serverless.v1;
  await services.create({ uniqueName: SERVICE, friendlyName: 'x' });
  const [{ sid }] = state.services;
  for (const domainSuffix of suffixes) {
    await services(sid).environments.create({ uniqueName: `${domainSuffix}-environment`, domainSuffix });
  }
}

const posts = () => state.requests.filter((one) => one.method === 'POST').length;
const SEARCH = { country: 'US', type: 'local', area_code: '', contains: '' };
const more = { ...DESK, label: 'more', number: '', search: SEARCH };
const lost = { ...DESK, label: 'lost', number: '+14155550177' };

test('plan ends in 0 whatever would change, and in 1 where a person must put something right', async () => {
  assert.equal((await run(['plan', ...HERE], { lines: [more] })).code, 0);
  const { code, out } = await run(['plan', ...HERE], { lines: [lost] });
  assert.equal(code, 1);
  assert.match(out, /^! missing {6}clinic\/lost/m);
  assert.equal(posts(), 0);
});

test('status ends in 0 only where each line is as it should be', async () => {
  const ends = async (fields, lines) => {
    account({ ...WELL, ...fields });
    return (await run(['status', ...HERE], { lines })).code;
  };
  assert.equal(await ends({}), 0);
  const wrong = [
    { voice_url: 'https://x.example/' },
    { voice_url: 'https://gw.twil.io/voice' },
    { friendly_name: 'Mine' },
    { trunk_sid: `TK${'1'.repeat(32)}` },
    { voice_receive_mode: 'fax' },
    { capabilities: { voice: false } },
  ];
  for (const fields of wrong) assert.equal(await ends(fields), 1, JSON.stringify(fields));
  assert.equal(await ends({}, [lost]), 1);
  assert.equal(await ends({}, [more]), 1);
});

test('status: an orphan and a country that may not be dialled are said, and are no fault of a line', async () => {
  account(WELL);
  fakes.seed(state, { numbers: { '+14155550188': { friendly_name: 'gw:old/line' } }, dialing: { FR: false } });
  const fallback = { say: 'x', then: 'dial', to: '+33155550100' };
  fakes.seed(state, { numbers: { '+14155550199': { ...WELL, friendly_name: 'gw:clinic/abroad' } } });
  const { code, out } = await run(['status', ...HERE], {
    lines: [{ ...DESK, label: 'abroad', number: '+14155550199', fallback }],
  });
  assert.match(out, /1 orphan, 1 geo$/m);
  assert.equal(code, 0);
});

test('apply ends in 0 where all is done', async () => {
  assert.equal((await run(['apply', ...HERE, '--yes', '--buy'], { lines: [more] })).code, 0);
  assert.equal((await run(['apply', ...HERE, '--yes'], { lines: [more] })).code, 0); // nothing to do
});

test('apply ends in 1 where something is left, was stopped or must be put right by hand', async () => {
  const left = await run(['apply', ...HERE, '--yes'], { lines: [more] });
  assert.deepEqual([left.code, /^left {2}buy clinic\/more: buying needs --buy$/m.test(left.out)], [1, true]);
  const fault = await run(['apply', ...HERE, '--yes'], { lines: [lost] }); // the desk is as it should be by now
  assert.deepEqual([fault.code, /^0 done, 0 left, 1 to put right by hand$/m.test(fault.out)], [1, true]);
  account({});
  state.refusals = [{ method: 'POST', path: 'IncomingPhoneNumbers', status: 503, body: {} }];
  const stopped = await run(['apply', ...HERE, '--yes']);
  assert.deepEqual([stopped.code, /^stopped: Twilio refused it/m.test(stopped.out)], [1, true]);
});

test("another deployment's number takes --take-over", async () => {
  account({ ...WELL, voice_url: 'https://gw.twil.io/voice' });
  const { code, out } = await run(['apply', ...HERE, '--yes', '--json']);
  const [left] = JSON.parse(out).left;
  assert.deepEqual([code, left.kind, left.needs, posts()], [1, 'elsewhere', 'take-over', 0]);
  assert.equal((await run(['apply', ...HERE, '--yes', '--take-over'])).code, 0);
  assert.equal(state.numbers[0].voice_url, 'https://gw-dev.twil.io/voice');
});

test('apply without --yes prints the plan, changes nothing and is used wrongly', async () => {
  const { code, out, err } = await run(['apply', ...HERE]);
  assert.deepEqual([code, err, posts()], [2, 'numbers: nothing was changed: apply needs --yes\n', 0]);
  assert.match(out, /^~ update {7}clinic\/desk/);
});

test('credentials that Twilio refuses end in 1, with what to do', async () => {
  for (const body of [{ code: 20003, message: 'Authenticate' }, {}]) {
    for (const argv of [['plan'], ['apply', '--yes'], ['status']]) {
      state.refusals = [{ method: 'GET', path: '.', status: 401, body }];
      const { code, err } = await run([...argv, ...HERE]);
      assert.equal(code, 1);
      assert.match(err, /^numbers: Twilio does not accept the credentials: check TWILIO_ACCOUNT_SID and .*\n$/);
    }
  }
  assert.equal(posts(), 0);
});

test('the one domain that is deployed is taken; none or two have to be named', async () => {
  assert.deepEqual(await run(['plan']), {
    code: 2,
    out: '',
    err: `numbers: Twilio has no Functions service ${SERVICE}: run npm run deploy, or name a --domain\n`,
  });
  await deployed();
  assert.deepEqual(await run(['plan']), {
    code: 2,
    out: '',
    err: `numbers: the Functions service ${SERVICE} has no environment: run npm run deploy, or name a --domain\n`,
  });
  account({});
  await deployed('dev');
  const found = await run(['plan']);
  assert.deepEqual([found.code, found.err], [0, '']);
  const [, domain] = /-> https:\/\/([\w.-]+-dev\.twil\.io)\/voice$/m.exec(found.out);
  account({});
  await deployed('stage', 'dev');
  const two = await run(['plan']);
  assert.deepEqual([two.code, two.out], [2, '']);
  assert.match(two.err, /^numbers: more than one is deployed: name one as --domain: /);
  assert.match(two.err, / \S+-dev\.twil\.io, \S+-stage\.twil\.io\n$/);
  assert.equal((await run(['plan', '--domain', domain])).code, 0);
});

test('FUNCTIONS_URL names the domain, with its scheme or without; none is looked up where it is no URL', async () => {
  await deployed('dev');
  const plan = (FUNCTIONS_URL) => run(['plan'], { env: { ...ENV, FUNCTIONS_URL } });
  for (const url of ['https://gw-9.twil.io', 'gw-9.twil.io', ' HTTPS://GW-9.Twil.io/ '])
    assert.match((await plan(url)).out, /-> https:\/\/gw-9\.twil\.io\/voice$/m, url);
  for (const url of ['', ' ']) assert.match((await plan(url)).out, /-dev\.twil\.io\/voice$/m, `'${url}'`);
  state.requests = [];
  for (const url of ['http://gw-9.twil.io', 'gw 9', 'https://', 'https://u:p@gw-9.twil.io', 'gw-9.twil.io/voice', ',']) {
    const { code, out, err } = await plan(url);
    assert.deepEqual([code, out], [2, ''], url);
    assert.match(err, /^numbers: FUNCTIONS_URL takes https:\/\/ and the Domain that npm run deploy printed, or name /);
  }
  assert.deepEqual(state.requests, []);
});

test('--domain is a public host, in lower case', async () => {
  const env = { ...ENV, FUNCTIONS_URL: 'https://,' }; // not read
  const { code, out } = await run(['plan', '--domain', 'GW-Dev.Twil.io'], { env });
  assert.deepEqual([code, /-> https:\/\/gw-dev\.twil\.io\/voice$/m.test(out)], [0, true]);
  for (const domain of ['', 'gw dev', 'https://gw-dev.twil.io', 'localhost', '127.0.0.1', 'gw-dev.twil.io/x']) {
    const refused = await run(['apply', '--yes', '--domain', domain]);
    assert.deepEqual([refused.code, refused.out], [2, ''], domain);
    assert.match(refused.err, /^numbers: (--domain takes a host name|Functions: Twilio can't reach)/, domain);
  }
  assert.equal(posts(), 0);
});

test('the core is CORE_URL, else PUBLIC_URL, as Functions and core take it; Twilio must reach it', async () => {
  const told = (env, ...argv) => run(['plan', ...HERE, ...argv], { env });
  const [core, other] = ['https://core.example.com', 'https://other.example.com'];
  for (const [env, ...argv] of [
    [{ CORE_URL: core }],
    [{ CORE_URL: ` ${core}// ` }],
    [{ CORE_URL: core, PUBLIC_URL: other }],
    [{ CORE_URL: '', PUBLIC_URL: core }],
    [{ CORE_URL: ' \n', PUBLIC_URL: core }],
    [{ CORE_URL: '' }, '--core', core],
    [{ CORE_URL: other }, '--core', core],
  ]) {
    const { out } = await told(env, ...argv);
    assert.match(out, /voiceFallbackUrl: \(none\) -> https:\/\/core\.example\.com\/twiml$/m, JSON.stringify(env));
  }
  state.requests = [];
  const wrong = [`${core}/a b`, 'https://u:p@core.example.com', `${core}?x=1`, `${core}#x`, 'core.example.com', `https://${core}`];
  for (const url of [...wrong, 'http://core.example.com', 'http://127.0.0.1:8080', 'https://10.0.0.1']) {
    const { code, out, err } = await told({ CORE_URL: url });
    assert.deepEqual([code, out], [2, ''], url);
    assert.match(err, /^numbers: CORE_URL.* https:\/\/ address of the core\n$/, url);
  }
  assert.deepEqual(state.requests, []);
});

test('a core that is set nowhere is said, with all the ways to name it', async () => {
  const blank = [{ CORE_URL: '' }, { CORE_URL: ' ', PUBLIC_URL: ' ' }, { PUBLIC_URL: '' }];
  const chosen = [{ CORE_URL: 'https://core.example.com' }, '--core', '']; // nothing else is taken instead
  state.requests = [];
  for (const [env, ...argv] of [[{}], ...blank.map((env) => [env]), chosen]) {
    const { code, out, err } = await run(['plan', ...HERE, ...argv], { env });
    assert.deepEqual([code, out], [2, ''], JSON.stringify(env));
    assert.equal(err, 'numbers: it is not set where the core answers: set CORE_URL or PUBLIC_URL, or name --core\n');
  }
  assert.deepEqual(state.requests, []);
});

test('help takes no credentials; flows of another format are refused', async () => {
  const help = await run(['--help'], { connect: assert.fail });
  assert.deepEqual([help.code, help.err], [0, '']);
  assert.match(help.out, /^npm run numbers -- plan\|apply\|status/);
  const { code, err } = await run(['plan', ...HERE], { format: 2 });
  assert.deepEqual([code, /has another format: run gateway compile\n$/.test(err), state.requests], [2, true, []]);
});

test('a bug ends in 3 and stays loud', async () => {
  const connect = () => assert.fail('not reached');
  const { code, err } = await run(['plan', ...HERE], { connect });
  assert.equal(code, 3);
  assert.match(err, /^numbers: a bug of ours: AssertionError .*not reached[^]*\n {4}at /);
});

test('without credentials it says which are missing', async () => {
  const said = [];
  const err = (text) => said.push(text);
  const ends = (env) => main(['plan'], { env, out: assert.fail, err });
  assert.deepEqual([await ends({}), await ends({ TWILIO_ACCOUNT_SID: WHO.sid })], [2, 2]);
  assert.match(said[0], /^numbers: TWILIO_ACCOUNT_SID: takes AC and/);
  assert.match(said[1], /^numbers: TWILIO_AUTH_TOKEN: is not set/);
});

test('the account is signed in to by its token, or by an API key', () => {
  const [key, secret] = [`SK${'1'.repeat(32)}`, 'a-secret'];
  const other = `AC${'9'.repeat(32)}`;
  const byToken = { TWILIO_ACCOUNT_SID: WHO.sid, TWILIO_AUTH_TOKEN: WHO.token };
  const byKey = { TWILIO_API_KEY: key, TWILIO_API_SECRET: secret };
  for (const [env, ...wanted] of [
    [byToken, WHO.sid, WHO.token],
    [{ ACCOUNT_SID: WHO.sid, AUTH_TOKEN: WHO.token }, WHO.sid, WHO.token],
    [{ ...byToken, ACCOUNT_SID: other, AUTH_TOKEN: 'x' }, WHO.sid, WHO.token],
    [{ TWILIO_ACCOUNT_SID: WHO.sid, ...byKey }, key, secret],
    [{ ...byToken, ...byKey }, key, secret],
    [{ ...byToken, TWILIO_API_KEY: key }, WHO.sid, WHO.token],
    [{ TWILIO_ACCOUNT_SID: ` ${WHO.sid}\n`, TWILIO_AUTH_TOKEN: `${WHO.token}\r\n` }, WHO.sid, WHO.token],
    [{ ...byToken, TWILIO_ACCOUNT_SID: ' ', ACCOUNT_SID: WHO.sid }, WHO.sid, WHO.token],
    [{ ...byToken, TWILIO_API_KEY: `${key}\n`, TWILIO_API_SECRET: `${secret} ` }, key, secret],
  ]) {
    const { username, password, accountSid } = credentials(env);
    assert.deepEqual([username, password, accountSid], [...wanted, WHO.sid], JSON.stringify(env));
  }
});

test('the command reads .env as twilio-run does; what is exported wins', () => {
  const home = fs.mkdtempSync(path.join(folder, 'home-'));
  for (const name of ['assets', 'numbers']) fs.cpSync(path.join(ROOT, name), path.join(home, name), { recursive: true });
  for (const name of ['package.json', 'node_modules']) fs.symlinkSync(path.join(ROOT, name), path.join(home, name));
  const flows = path.join(home, 'assets', 'flows.private.json');
  fs.writeFileSync(flows, JSON.stringify({ format: 1, hash: 'f00d', flows: {}, calling_codes: {} }));
  const ends = (env) => {
    const command = [path.join(home, 'numbers', 'cli.js'), 'plan', ...HERE];
    const { status, stderr } = spawnSync(process.execPath, command, { env, encoding: 'utf8' });
    return [status, stderr.split(':')[1].trim()];
  };
  assert.deepEqual(ends({}), [2, 'TWILIO_ACCOUNT_SID']);
  const kept = { ACCOUNT_SID: WHO.sid, AUTH_TOKEN: WHO.token, CORE_URL: 'http://127.0.0.1:8080' };
  fs.writeFileSync(path.join(home, '.env'), Object.entries(kept).map((pair) => pair.join('=')).join('\n'));
  assert.deepEqual(ends({}), [2, 'CORE_URL']);
  assert.deepEqual(ends({ CORE_URL: 'core.example.com' }), [2, 'CORE_URL is not the https']);
  assert.deepEqual(ends({ TWILIO_ACCOUNT_SID: 'AC1' }), [2, 'TWILIO_ACCOUNT_SID']);
});
