'use strict';

/**
 * Who answers a call: the twin of gateway/flow/route.py, held to it by tests/contract/route-*.json.
 * Pure: the artefact, the moment and what is known of other calls are arguments.
 */

const DAY = 24 * 60; // minutes
const DAY_MS = 86400000;
// Twilio's stand-ins for a caller who shows no number: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE, dialled.
const STAND_INS = new Set(['+266696687', '+7378742833', '+2562533', '+8566696', '+86282452253']);
const formats = new Map(); // by time zone: making one takes longer than a thousand uses

/** The line of a number that people dial: {flow, line}, the names that `route` takes, or null. */
function lookup(artefact, to) {
  if (!Object.hasOwn(artefact.lines, to)) return null;
  const [flow, line] = artefact.lines[to];
  return { flow, line };
}

/**
 * Who answers `from` (E.164; anything else is a withheld number) on a line at a moment, in milliseconds since 1970:
 * {outcome, code, persona, announcement, reason, holiday}, as gateway.flow.route.Route. `usage` is without this call.
 * Throws a RangeError for a flow or a line that the artefact doesn't hold.
 */
function route(artefact, flowName, label, atMs, from, usage = {}) {
  const flow = Object.hasOwn(artefact.flows, flowName) ? artefact.flows[flowName] : null;
  const line = flow && flow.numbers.find((number) => number.label === label);
  if (!line) throw new RangeError('no such line in the artefact');
  const refused = heldBack(artefact, flow.limits, from, usage);
  if (refused) return refusal(refused, line);
  if (!line.hours) return made('answer', 'always', { persona: line.persona });
  const hours = flow.hours[line.hours];
  const [code, day] = standing(hours, atMs);
  const holiday = day ? day.name || day.first : '';
  if (code === 'open') return made('answer', code, { persona: line.persona, holiday });
  const { persona, announcement } = hours.closed;
  return persona ? made('answer', code, { persona, holiday }) : made('announce', code, { announcement, holiday });
}

/** ISO 3166 alpha-2 of an E.164 number's country; empty for a withheld number and for one of no country. */
function country(artefact, number) {
  if (withheld(number)) return '';
  const codes = artefact.calling_codes;
  for (let end = Math.min(number.length, 16); end > 1; end -= 1) {
    const digits = number.slice(1, end);
    if (Object.hasOwn(codes, digits)) return codes[digits];
  }
  return '';
}

function withheld(number) {
  return STAND_INS.has(number) || !/^\+[0-9]+$/.test(number);
}

function made(outcome, code, parts) {
  return { outcome, code, persona: '', announcement: null, reason: '', holiday: '', ...parts };
}

/** The first limit that holds this call back, or nothing. */
function heldBack(artefact, limits, from, { calls = 0, from_caller: fromCaller = 0 }) {
  const begins = (prefix) => !withheld(from) && from.startsWith(prefix);
  if (limits.deny.some(begins)) return 'denied';
  if (limits.allow.length && !limits.allow.some(begins)) return 'not-allowed';
  if (limits.countries.length && !limits.countries.includes(country(artefact, from))) return 'country';
  if (limits.per_caller && fromCaller >= limits.per_caller.count) return 'per-caller';
  if (limits.concurrent_calls !== null && calls >= limits.concurrent_calls) return 'concurrent';
  return '';
}

/** Who may not call is rejected; for whom there is no room hears busy, or what the line says when it is full. */
function refusal(code, line) {
  if (code === 'concurrent' && line.fallback) return made('announce', code, { announcement: line.fallback });
  return made('refuse', code, { reason: ['per-caller', 'concurrent'].includes(code) ? 'busy' : 'rejected' });
}

/** Open or closed, and the holiday that makes it so: today's, or yesterday's for what ran past midnight. */
function standing(hours, atMs) {
  const { midnight, minute } = wall(hours.timezone, atMs);
  const kept = [midnight, midnight - DAY_MS].map((day) => ({ ...planned(hours, day), shown: minute }));
  kept[1].shown += DAY;
  for (const { holiday, week, shown } of kept) {
    if (within(holiday ? holiday.open : week, shown)) return ['open', holiday];
  }
  const [today, eve] = kept;
  const missing = eve.holiday && within(eve.week, eve.shown) ? eve.holiday : null; // but for it, it would be open
  const holiday = today.holiday || missing;
  return [holiday ? 'holiday' : 'closed', holiday];
}

/** What a day's holiday is, the first that holds it, and what the week says of it. */
function planned(hours, day) {
  const date = new Date(day);
  const written = date.toISOString().slice(0, 10);
  const holiday = hours.holidays.find((one) => holds(one, written)) || null;
  return { holiday, week: hours.weekly[(date.getUTCDay() + 6) % 7] }; // the week begins on Monday
}

function holds({ first, last }, day) {
  const shown = day.slice(-first.length); // without a year: every year
  return first <= last ? first <= shown && shown <= last : shown >= first || shown <= last;
}

function within(ranges, minute) {
  return ranges.some(({ start, end }) => start <= minute && minute < end);
}

/** What clock and calendar on the wall show: the date, as the moment it begins in UTC, and the minute of the day. */
function wall(zone, atMs) {
  const shown = {};
  for (const { type, value } of format(zone).formatToParts(atMs)) shown[type] = Number(value);
  return { midnight: Date.UTC(shown.year, shown.month - 1, shown.day), minute: shown.hour * 60 + shown.minute };
}

function format(zone) {
  if (!formats.has(zone)) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' };
    const how = { ...numeric, timeZone: zone, hourCycle: 'h23', calendar: 'gregory', numberingSystem: 'latn' };
    formats.set(zone, new Intl.DateTimeFormat('en-US', how));
  }
  return formats.get(zone);
}

module.exports = { country, lookup, route, withheld };
