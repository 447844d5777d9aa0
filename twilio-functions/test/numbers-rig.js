'use strict';
// An account at a stateful fake of Twilio (tests/fakes), what may be wanted of its numbers, and one way to apply it.
const { after, before } = require('node:test');
const twilio = require('twilio');
const plans = require('../assets/numbers-plan.private.js');
const numbers = require('../assets/numbers-account.private.js');
const fakes = require('../../tests/fakes/twilio_api/server.js');
const { clientOf } = require('../../tests/fakes/twilio_api/sdk.js');

const SID = `AC${'0'.repeat(32)}`;
const TOKEN = 'f'.repeat(32);
const SALE = { '+14155550111': {}, '+14155550112': {}, '+14155550113': {}, '+14085550114': {} };
const SEARCH = { country: 'US', type: 'local', area_code: '415', contains: '' };
const ALL = { buy: true, takeOver: true };

/** A line of the flow; the desk's, unless these say otherwise. */
function line(fields) {
  return { label: 'desk', number: '+14155550100', search: null, hours: '', fallback: null, regulatory: {}, ...fields };
}

/** What is wanted: the desk, a line that searches, and more. */
function lines(...more) {
  return wanted(line({}), line({ label: 'more', number: '', search: SEARCH }), ...more);
}

/** What is wanted: these lines. */
function wanted(...numbers) {
  const artefact = {
    format: 1,
    hash: 'f00d',
    flows: { clinic: { name: 'clinic', numbers, hours: {} } },
    calling_codes: { 1: 'US', 33: 'FR' },
  };
  return plans.desired(artefact, { domain: 'gw-dev.twil.io', core: 'https://core.example.com' });
}

let server;
const state = {};
before(async () => {
  server = await fakes.listen(state); // one server; each test puts its own account into it
});
after(() => server.close());

function account(seed = {}) {
  for (const key of Object.keys(state)) delete state[key];
  Object.assign(state, fakes.account({ sid: SID, token: TOKEN }));
  fakes.seed(state, { numbers: { '+14155550100': {} }, sale: SALE, ...seed });
}

function run(want = lines(), { crash, allowed = ALL, sleep = async () => {}, left = () => Infinity } = {}) {
  return numbers.apply(clientOf(twilio, state, server.port, crash), plans, want, { allowed, pace: { sleep, left } });
}

const owned = () => state.numbers.map((one) => [one.phone_number, one.friendly_name]);
const sent = (method) => state.requests.filter((one) => one.method === method);

const port = () => server.port;

module.exports = { ALL, SALE, SEARCH, TOKEN, account, line, lines, owned, port, run, sent, state, wanted };
