'use strict';
/**
 * The account's numbers at Twilio: look, and change what a plan says. `client` is the twilio SDK's, `plans` the module
 * numbers-plan (assets don't know each other's paths in the cloud). One request at a time, and none of them releases.
 * `pace`: how to sleep, and how many ms are left for requests, {sleep(ms), left()}.
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
const PATIENT = { sleep: wait, left: () => Infinity };
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
const UNSEEN = 'these credentials may not look at it (an API key needs the right to read Voice)';

/** There was no time for a request, or it took too long. */
class Late extends Error {}

/** What a failure of a request means and what to do about it. Anything else is a bug, and thrown on. */
function words(error) {
  if (error instanceof Late) return error.message;
  if (!error.status && !error.isAxiosError) throw error;
  if (error.status === 429) return 'Twilio is answering too many requests: run it again in a minute';
  if (error.code in WORDS) return WORDS[error.code];
  if (error.status === 401) return WORDS[20003];
  if (!error.status) return `Twilio was not reached (${error.code ?? error.message}): run it again`;
  return `Twilio refused it (${error.code ?? `HTTP ${error.status}`}): ${error.message}`;
}

/** One request, asked again while Twilio says 429 and there is time, after Retry-After or 1, 2, 4 seconds; null where it
 *  is not `wanted` any more by then. */
async function patient(client, request, { sleep, left }, wanted = () => true) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await within(left(), request);
    } catch (error) {
      if (error.status !== 429 || tried === TRIES) throw error;
      const asked = Number(client.httpClient?.lastResponse?.headers?.['retry-after']);
      const pause = 1000 * Math.min(asked > 0 ? asked : 2 ** (tried - 1), LONGEST_WAIT_S);
      if (pause >= left()) throw error;
      await sleep(pause);
    }
    if (!(await wanted())) return null;
  }
}

/** What the request gives, at most so many ms later. What Twilio makes of it after that the next run sees. */
async function within(ms, request) {
  if (ms <= 0) throw new Late('there was no time left: run it again');
  if (ms === Infinity) return request();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, new Late('Twilio did not answer in time: run it again'));
  });
  return Promise.race([request(), late]).finally(() => clearTimeout(timer));
}

/** All numbers of the account, as plain objects with the fields that we manage or look at. */
async function listed(client, pace) {
  const numbers = await patient(client, () => client.incomingPhoneNumbers.list({ pageSize: 1000 }), pace);
  return numbers.map((number) => Object.fromEntries(FIELDS.map((field) => [field, number[field]])));
}

/** What is on sale for a search, in Twilio's order. */
async function onSale(client, search, pace) {
  const asked = { voiceEnabled: true, limit: OFFERS, pageSize: OFFERS };
  if (search.area_code) asked.areaCode = Number(search.area_code);
  if (search.contains) asked.contains = search.contains;
  const shop = client.availablePhoneNumbers(search.country)[KINDS[search.type]];
  try {
    return await patient(client, () => shop.list(asked), pace);
  } catch (error) {
    if (error.status === 404) return []; // this country has none of this kind
    throw error;
  }
}

/** The `observed` of numbers-plan. Raises what the SDK raises. */
async function observe(client, plans, want, pace = PATIENT) {
  const numbers = await listed(client, pace);
  const offers = {};
  for (const { line, search } of plans.wanting(want, numbers)) {
    const found = await onSale(client, search, pace);
    offers[line] = found.map(({ phoneNumber, addressRequirements }) => ({ phoneNumber, addressRequirements }));
  }
  const reach = {};
  for (const { country } of want.dials) {
    if (!(country in reach)) reach[country] = await mayDial(client, country, pace);
  }
  return { numbers, offers, reach };
}

/** Whether the account may dial a country; null of one that Twilio has no permissions for. It only warns: where Twilio
 *  doesn't tell, this gives the words why, and the rest goes on. */
async function mayDial(client, country, pace) {
  try {
    const found = await patient(client, () => client.voice.v1.dialingPermissions.countries(country).fetch(), pace);
    return found.lowRiskNumbersEnabled;
  } catch (error) {
    if (error.status === 404) return null;
    // the account's numbers were listed with these credentials: they are known, and lack this right
    return [401, 403].includes(error.status) ? UNSEEN : words(error);
  }
}

/**
 * Does what the plan says and `allowed` (`buy`, `takeOver`) permits. Returns `plan`, `done` and `left` (changes, each
 * with `number` and `why`) and `stopped`: '' or why it ended early. What is left, the next run picks up.
 */
async function apply(client, plans, want, { allowed, pace = PATIENT }) {
  const plan = plans.plan(want, await observe(client, plans, want, pace));
  const shop = { client, plans, want, pace };
  const result = { plan, done: [], left: [], stopped: '' };
  for (const change of plan.changes) {
    if (Object.keys(change.fields).length === 0) continue;
    const why = result.stopped || refusal(change, allowed) || premature(change, result.left);
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

/** A number's shadow stays while its URLs are not right: without it, Twilio would answer with whatever they say. */
function premature({ sid }, left) {
  return sid && left.some((one) => one.sid === sid) ? 'its URLs are not right yet, and without this Twilio uses them' : '';
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

async function update({ client, pace }, { sid, number, fields }) {
  await patient(client, () => client.incomingPhoneNumbers(sid).update(news(fields)), pace);
  return number;
}

/** Buys one number, unless the account has one for this line by now. The mark is set by the same request that buys. */
async function buy({ client, plans, want, pace }, { line, offers, fields }) {
  const lacking = async () => plans.wanting(want, await listed(client, pace)).some((one) => one.line === line);
  let last = null;
  for (const phoneNumber of offers) {
    if (!(await lacking())) return '';
    const bid = () => client.incomingPhoneNumbers.create({ phoneNumber, ...news(fields) });
    try {
      const bought = await patient(client, bid, pace, lacking);
      return bought?.phoneNumber ?? '';
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

/** The pace of who has time until then. */
function until(ms) {
  return { sleep: wait, left: () => ms - Date.now() };
}

module.exports = { apply, observe, until, words };
