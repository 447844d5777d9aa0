'use strict';
/**
 * The account's numbers at Twilio: look, and change what a plan says. `client` is the twilio SDK's, `plans` the module
 * numbers-plan (assets don't know each other's paths in the cloud). One request at a time, and none of them releases.
 */
const FIELDS = [
  'sid',
  'phoneNumber',
  'friendlyName',
  'voiceUrl',
  'voiceMethod',
  'voiceFallbackUrl',
  'voiceFallbackMethod',
  'voiceReceiveMode',
  'capabilities',
  'voiceApplicationSid',
  'trunkSid',
  'addressSid',
  'bundleSid',
  'identitySid',
  'emergencyAddressSid',
];
const KINDS = { local: 'local', mobile: 'mobile', toll_free: 'tollFree' };
const OFFERS = 20; // numbers on sale that are looked at: enough for some to be gone
const TRIES = 4; // of one request that Twilio answers with 429
const LONGEST_WAIT_S = 10;
const GONE = new Set([21421, 21422]); // this number can't be bought (any more): the next one may
const WORDS = {
  20003: 'Twilio does not accept the credentials: check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or the API key)',
  20404: 'Twilio does not know it (any more): make a new plan',
  21404: 'a trial account can not buy this number: upgrade it first',
  21450: 'the number is not valid for this account',
  21452: 'no number is on sale in this area code: search more widely',
  21615: 'this number takes an address in its own country: name regulatory.address_sid',
  21631: 'this number takes an address: name regulatory.address_sid',
  21649: 'this number takes a regulatory bundle that Twilio has approved: name regulatory.bundle_sid, or wait',
};

/** What a failure of a request means and what to do about it. Anything else is a bug, and thrown on. */
function words(error) {
  if (!error.status && !error.isAxiosError) throw error;
  if (error.status === 429) return 'Twilio is answering too many requests: run it again in a minute';
  if (error.code in WORDS) return WORDS[error.code];
  if (error.status === 401) return WORDS[20003];
  if (!error.status) return `Twilio was not reached (${error.code ?? error.message}): run it again`;
  return `Twilio refused it (${error.code ?? `HTTP ${error.status}`}): ${error.message}`;
}

/** One request, asked again while Twilio says 429, after Retry-After or 1, 2, 4 seconds. */
async function patient(client, request, sleep) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await request();
    } catch (error) {
      if (error.status !== 429 || tried === TRIES) throw error;
      const asked = Number(client.httpClient?.lastResponse?.headers?.['retry-after']);
      await sleep(1000 * Math.min(asked > 0 ? asked : 2 ** (tried - 1), LONGEST_WAIT_S));
    }
  }
}

/** All numbers of the account, as plain objects with the fields that we manage or look at. */
async function listed(client, sleep) {
  const numbers = await patient(client, () => client.incomingPhoneNumbers.list({ pageSize: 1000 }), sleep);
  return numbers.map((number) => Object.fromEntries(FIELDS.map((field) => [field, number[field]])));
}

/** What is on sale for a search, in Twilio's order. */
async function onSale(client, search, sleep) {
  const asked = { voiceEnabled: true, limit: OFFERS, pageSize: OFFERS };
  if (search.area_code) asked.areaCode = Number(search.area_code);
  if (search.contains) asked.contains = search.contains;
  const shop = client.availablePhoneNumbers(search.country)[KINDS[search.type]];
  try {
    return await patient(client, () => shop.list(asked), sleep);
  } catch (error) {
    if (error.status === 404) return []; // this country has none of this kind
    throw error;
  }
}

/** The `observed` of numbers-plan. Raises what the SDK raises. */
async function observe(client, plans, want, sleep = wait) {
  const numbers = await listed(client, sleep);
  const offers = {};
  for (const { line, search } of plans.wanting(want, numbers)) {
    const found = await onSale(client, search, sleep);
    offers[line] = found.map(({ phoneNumber, addressRequirements }) => ({ phoneNumber, addressRequirements }));
  }
  const reach = {};
  for (const { country } of want.dials) {
    if (!(country in reach)) reach[country] = await mayDial(client, country, sleep);
  }
  return { numbers, offers, reach };
}

/** Whether the account may dial a country; null of one that Twilio has no permissions for. */
async function mayDial(client, country, sleep) {
  try {
    const found = await patient(client, () => client.voice.v1.dialingPermissions.countries(country).fetch(), sleep);
    return found.lowRiskNumbersEnabled;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/**
 * Does what the plan says and `allowed` (`buy`, `takeOver`) permits. Returns `plan`, `done` and `left` (changes, each
 * with `number` and `why`) and `stopped`: '' or why it ended early. What is left, the next run picks up.
 */
async function apply(client, plans, want, { allowed, sleep = wait, late = () => false }) {
  const plan = plans.plan(want, await observe(client, plans, want, sleep));
  const shop = { client, plans, want, sleep };
  const result = { plan, done: [], left: [], stopped: '' };
  for (const change of plan.changes) {
    if (Object.keys(change.fields).length === 0) continue;
    const why = result.stopped || refusal(change, allowed) || (late() ? 'there was no time left: run it again' : '');
    if (why) result.left.push({ ...change, why });
    else await attempt(shop, change, result);
  }
  return result;
}

function refusal(change, allowed) {
  if (change.needs === 'buy' && !allowed.buy) return 'buying needs --buy';
  if (change.needs === 'take-over' && !allowed.takeOver) return `${change.reason}: it needs --take-over`;
  return '';
}

async function attempt(shop, change, result) {
  try {
    const number = change.kind === 'buy' ? await buy(shop, change) : await update(shop, change);
    result.done.push({ ...change, number });
  } catch (error) {
    const why = words(error);
    if (!(error.status >= 400 && error.status < 500) || error.status === 401 || error.status === 429)
      result.stopped = why;
    result.left.push({ ...change, why });
  }
}

async function update({ client, sleep }, { sid, number, fields }) {
  await patient(client, () => client.incomingPhoneNumbers(sid).update(news(fields)), sleep);
  return number;
}

/** Buys one number, unless the account has one for this line by now. The mark is set by the same request that buys. */
async function buy({ client, plans, want, sleep }, { line, offers, fields }) {
  let last = null;
  for (const phoneNumber of offers) {
    const numbers = await listed(client, sleep);
    if (!plans.wanting(want, numbers).some((one) => one.line === line)) return '';
    try {
      const bought = await patient(
        client,
        () => client.incomingPhoneNumbers.create({ phoneNumber, ...news(fields) }),
        sleep,
      );
      return bought.phoneNumber;
    } catch (error) {
      if (!GONE.has(error.code)) throw error;
      last = error;
    }
  }
  throw last;
}

function news(fields) {
  return Object.fromEntries(Object.entries(fields).map(([field, [, value]]) => [field, value]));
}

function wait(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

module.exports = { apply, observe, words };
