'use strict';
/**
 * What the account's numbers should be, and what must change. Pure: plain objects in, a sorted plan out.
 *
 * A number is ours by its mark, the friendly name `gw:flow/label`. Nothing here ever releases or detaches a number.
 * Twilio's rules: twilio.com/docs/phone-numbers/api/incomingphonenumber-resource.
 */
const { createHash } = require('node:crypto');
const { BlockList, isIP } = require('node:net');

const NAME_LIMIT = 64; // friendlyName
const BROKEN = ['missing', 'voiceless', 'regulatory', 'unavailable'];
const ORDER = [...BROKEN, 'buy', 'update', 'drift', 'elsewhere', 'shadowed', 'noop', 'duplicate', 'orphan', 'geo'];
const FAULTS = new Set([...BROKEN, 'duplicate']);
const SIDS = {
  address_sid: 'addressSid',
  bundle_sid: 'bundleSid',
  identity_sid: 'identitySid',
  emergency_address_sid: 'emergencyAddressSid',
};
const FUNCTIONS_HOST = '.twil.io'; // where Twilio serves Functions
const DOORS = /^\/+voice\/*$|\/+twiml\/*$/; // of Functions and core, in a number's URL: a core may be under a path
const NEAR_NAMES = /\.(localhost|local|localdomain|internal|lan|home\.arpa)$/; // of one machine or network
const NEAR_BLOCKS = // RFC 6890
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 ::/127 fc00::/7 fe80::/10';
const SHADOWS = ['voiceApplicationSid', 'trunkSid']; // Twilio ignores the voice URLs while one of them is set

const NEAR = new BlockList();
for (const [address, bits] of NEAR_BLOCKS.split(' ').map((block) => block.split('/')))
  NEAR.addSubnet(address, Number(bits), `ipv${isIP(address)}`);

/** A fault of the operator: the numbers can't lead there. Its words hold no value. */
class Fault extends Error {}

/** The friendly name that makes a number ours. One that is too long keeps its beginning and ends in its hash. */
function mark(line) {
  const name = `gw:${line}`;
  if (name.length <= NAME_LIMIT) return name;
  return `${name.slice(0, NAME_LIMIT - 13)}~${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

/**
 * The numbers that the artefact asks for: `lines` (`line`, `number` or `search`, `fields` as the SDK names them) and
 * `dials` (`line`, `to`, `country`: what Twilio dials for a caller). `domain`: host of the Functions; `core`: the core's
 * URL. Throws Fault where Twilio can't reach one of the two: each call would end there.
 */
function desired(artefact, { domain, core }) {
  const why = "Twilio can't reach a machine or network of one's own";
  if (isNear(`https://${domain}`)) throw new Fault(`Functions: ${why}: deploy them, and name their domain`);
  if (!core.startsWith('https://') || isNear(core))
    throw new Fault(`CORE_URL: ${why}: it takes the public https:// address of the core`);
  const lines = [];
  const dials = [];
  for (const flow of Object.values(artefact.flows)) {
    for (const number of flow.numbers) {
      lines.push(wanted(flow, number, domain, core.replace(/\/+$/, '')));
      dials.push(...dialled(flow, number, artefact.calling_codes));
    }
  }
  return { hash: artefact.hash, lines: lines.sort(by((one) => one.line)), dials };
}

/** Whether a URL's host is of one machine or network: so is a name without a dot, and none. */
function isNear(url) {
  const name = hostOf(url, 'hostname').replace(/^\[|\]$|\.$/g, '');
  const family = isIP(name);
  return family ? NEAR.check(name, `ipv${family}`) : !name.includes('.') || NEAR_NAMES.test(name);
}

function wanted(flow, number, domain, core) {
  const line = `${flow.name}/${number.label}`;
  const query = number.number ? '' : `?line=${line}`; // the flow doesn't know a bought number: its URL says the line
  const fields = {
    friendlyName: mark(line),
    voiceUrl: `https://${domain}/voice${query}`,
    voiceMethod: 'POST',
    voiceFallbackUrl: `${core}/twiml${query}`,
    voiceFallbackMethod: 'POST',
  };
  for (const [key, field] of Object.entries(SIDS)) {
    if (number.regulatory?.[key]) fields[field] = number.regulatory[key];
  }
  return { line, number: number.number, search: number.search, fields };
}

/** Whom a line's callers may be connected to. Twilio permits each country by itself, the account's own too. */
function dialled(flow, number, codes) {
  const closed = flow.hours?.[number.hours]?.closed.announcement;
  return [number.fallback, closed]
    .filter((words) => words?.then === 'dial')
    .map((words) => ({ line: `${flow.name}/${number.label}`, to: words.to, country: country(words.to, codes) }))
    .filter((dial) => dial.country);
}

/** The country of a number in E.164, by the longest calling code that it begins with; '' if there is none. */
function country(number, codes) {
  for (let length = number.length - 1; length > 0; length -= 1) {
    const found = codes[number.slice(1, 1 + length)];
    if (found) return found;
  }
  return '';
}

/** [line, the number that serves it or undefined, further numbers that claim to], each number once. */
function pairs({ lines }, numbers) {
  const claims = [...numbers].sort(by((number) => number.sid)).map((number) => [lineOf(lines, number), number]);
  return lines.map((line) => {
    const marked = ([, number]) => (number.friendlyName === line.fields.friendlyName ? 0 : 1);
    const [first, ...more] = claims.filter(([claimed]) => claimed === line).sort(by(marked));
    return [line, first?.[1], more.map(([, number]) => number)];
  });
}

/**
 * The line that a number serves: the one that names it, or one that searches and of which it carries the mark. Somebody
 * may have changed the mark by hand: a URL that names the line is proof too, and saves buying a second number.
 */
function lineOf(lines, number) {
  const named = lines.find((line) => line.number === number.phoneNumber);
  const has = (field) => lines.find((line) => !line.number && line.fields[field] === number[field]);
  return named ?? has('friendlyName') ?? has('voiceUrl') ?? has('voiceFallbackUrl');
}

/** The lines that search for a number and have none yet. */
function wanting(want, numbers) {
  return pairs(want, numbers)
    .filter(([line, number]) => line.search && !number)
    .map(([line]) => line);
}

/**
 * The plan: `changes` sorted by line and kind, `counts` by kind, `faults` (how many a person must put right), `unsafe`
 * (why some changes need a second word). `observed`: `numbers` of the account, `offers` (line -> numbers on sale),
 * `reach` (country -> whether the account may dial it, or in words why that is not known).
 */
function plan(want, observed) {
  const found = pairs(want, observed.numbers);
  const changes = found.flatMap(([line, number, more]) => [
    ...(number ? settle(line, number) : [absent(line, observed.offers[line.line] ?? [])]),
    ...more.map((other) =>
      change('duplicate', line.line, other, {
        reason: 'a second number carries the mark of this line: rename or release one by hand',
      }),
    ),
  ]);
  const used = new Set(
    found
      .flatMap(([, number, more]) => [number, ...more])
      .filter(Boolean)
      .map((one) => one.sid),
  );
  changes.push(...orphans(want.lines, observed.numbers, used), ...unreachable(want.dials, observed.reach));
  changes.sort(by((one) => [one.line, String(ORDER.indexOf(one.kind)).padStart(2, '0'), one.number].join(' ')));
  const counts = Object.fromEntries(ORDER.map((kind) => [kind, changes.filter((one) => one.kind === kind).length]));
  const unsafe = [...new Set(changes.filter((one) => one.needs === 'take-over').map((one) => one.reason))];
  return { hash: want.hash, changes, counts, faults: changes.filter((one) => FAULTS.has(one.kind)).length, unsafe };
}

function change(kind, line, number, more) {
  return {
    kind,
    line,
    number: number?.phoneNumber ?? '',
    sid: number?.sid ?? '',
    fields: {},
    costs: false,
    needs: '',
    reason: '',
    ...more,
  };
}

/** What an owned number needs: its fields first, then what shadows them, so that no call meets the old URLs between. */
function settle(line, number) {
  const mute = number.capabilities?.voice === false;
  if (mute) return [change('voiceless', line.line, number, { reason: voiceless(line) })];
  const { fields } = line;
  const changed = { ...differences(number, fields), ...receiving(number) };
  const shadow = differences(number, Object.fromEntries(SHADOWS.map((field) => [field, ''])));
  const guard = guarded(fields, number);
  const reason = 'Twilio ignores the voice URLs while this is set';
  const changes = [];
  if (Object.keys(changed).length)
    changes.push(change(kindOf(fields, number), line.line, number, { fields: changed, ...guard }));
  if (Object.keys(shadow).length)
    changes.push(change('shadowed', line.line, number, { fields: shadow, reason, ...guard }));
  return changes.length ? changes : [change('noop', line.line, number)];
}

function voiceless({ number }) {
  const way = number ? 'name another in the flow' : 'release it by hand, and apply buys another';
  return `Twilio takes no calls for this number: ${way}`;
}

/** A number receives calls or faxes; Twilio leaves the field out where it can only be calls. */
function receiving({ voiceReceiveMode: mode }) {
  return mode && mode !== 'voice' ? { voiceReceiveMode: [mode, 'voice'] } : {};
}

function differences(number, fields) {
  const changed = Object.entries(fields).filter(([field, value]) => (number[field] || '') !== value);
  return Object.fromEntries(changed.map(([field, value]) => [field, [number[field] || '', value]]));
}

function kindOf(fields, number) {
  if (deployment(fields, number)) return 'elsewhere';
  return number.friendlyName === fields.friendlyName ? 'drift' : 'update';
}

/**
 * The address of another deployment of ours that the number leads to, or '': of Functions (whatever the number's name), or
 * with this line's mark any other at which Functions (by a domain of their owner's) or a core may answer.
 */
function deployment(fields, { voiceUrl, friendlyName }) {
  const there = placeOf(voiceUrl);
  if (!there || isNear(voiceUrl)) return '';
  const here = [fields.voiceUrl, fields.voiceFallbackUrl].map(placeOf).includes(there);
  const theirs = hostOf(voiceUrl).endsWith(FUNCTIONS_HOST) || friendlyName === fields.friendlyName;
  return theirs && !here ? there : '';
}

/** Where a deployment with this URL is: its host, and its path if it has one; '' of a URL that leads to no door. */
function placeOf(url) {
  const path = URL.canParse(url || '') ? new URL(url).pathname : '';
  return DOORS.test(path) ? hostOf(url) + path.replace(DOORS, '').replace(/\/+/g, '/') : '';
}

/** A number that another deployment answers may be production's, and one without this line's mark that answers
 *  somewhere else today is somebody's: either takes a second word. */
function guarded(fields, number) {
  const needs = 'take-over';
  const other = deployment(fields, number);
  if (other) return { needs, reason: `${number.phoneNumber} answers at ${other} today, another deployment of ours` };
  const host = hostOf(number.voiceUrl);
  const shadowed = SHADOWS.some((field) => number[field]);
  const elsewhere = shadowed || (host && host !== 'demo.twilio.com' && host !== hostOf(fields.voiceUrl));
  if (!elsewhere || number.friendlyName === fields.friendlyName) return {};
  const where = shadowed ? 'through an application or a trunk' : `at ${host}`;
  return { needs, reason: `${number.phoneNumber} answers ${where} today and does not carry the mark of this line` };
}

function hostOf(url, part = 'host') {
  return URL.canParse(url || '') ? new URL(url)[part] : '';
}

/** A line without a number: it is bought, or a fault says why it can't be. */
function absent({ line, number, search, fields }, offers) {
  const fault = (kind, reason) => change(kind, line, number ? { phoneNumber: number } : null, { reason, search });
  if (!search) return fault('missing', 'the account does not own this number: buy it, or correct the flow');
  const { eligible, needs } = choices(search, fields, offers);
  if (eligible.length) {
    const bought = { search, offers: eligible, costs: true, needs: 'buy', fields: differences({}, fields) };
    return change('buy', line, null, bought);
  }
  if (!needs.length) return fault('unavailable', 'Twilio has no such number on sale now: search more widely');
  return fault('regulatory', `such a number takes ${needs.join(' or ')}: name regulatory.address_sid`);
}

/** Numbers on sale that we may buy; of the rest, which address they ask for (Twilio's `address_requirements`). */
function choices(search, fields, offers) {
  const words = {
    any: 'an address',
    local: `an address in ${search.country}`,
    foreign: `an address outside ${search.country}`,
  };
  const free = offers.filter((one) => fields.addressSid || (one.addressRequirements || 'none') === 'none');
  const needs = [...new Set(offers.map((one) => words[one.addressRequirements]).filter(Boolean))].sort();
  return { eligible: free.map((one) => one.phoneNumber), needs };
}

function orphans(lines, numbers, used) {
  const why = ({ friendlyName }) => {
    const line = lines.find((one) => one.fields.friendlyName === friendlyName);
    return line ? `another number, ${line.number}, is this line's now` : 'none of these flows names this line';
  };
  return numbers
    .filter((one) => one.friendlyName?.startsWith('gw:') && !used.has(one.sid))
    .map((one) => {
      const reason = `${why(one)}: it is left as it is, and still costs money`;
      return change('orphan', one.friendlyName.slice(3), one, { reason });
    });
}

function unreachable(dials, reach) {
  const reason = (dial, may) =>
    may === false
      ? `it dials ${dial.to}, and the account may not dial ${dial.country}: allow it under Voice geographic permissions`
      : `it dials ${dial.to}: whether ${dial.country} may be dialled couldn't be looked at: ${may}`;
  return dials
    .map((dial) => [dial, reach[dial.country]])
    .filter(([, may]) => may === false || typeof may === 'string')
    .map(([dial, may]) => change('geo', dial.line, null, { reason: reason(dial, may) }));
}

function by(key) {
  return (one, other) => (key(one) < key(other) ? -1 : Number(key(one) > key(other)));
}

module.exports = { Fault, ORDER, country, desired, mark, plan, wanting };
