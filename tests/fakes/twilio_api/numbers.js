'use strict';
// Phone numbers, numbers on sale, calls and voice permissions. State: plain objects in Twilio's own JSON names.
const { Refusal, invalid, ok, page, sid, unknown } = require('./answers');

const DEMO_VOICE = 'https://demo.twilio.com/welcome/voice/'; // where a new number points
const DEMO_SMS = 'https://demo.twilio.com/welcome/sms/reply/';
const TWIML_LIMIT = 4000;
const METHODS = ['VoiceMethod', 'VoiceFallbackMethod', 'SmsMethod', 'SmsFallbackMethod', 'StatusCallbackMethod'];
const SETTABLE = [
  'FriendlyName',
  'VoiceUrl',
  'VoiceFallbackUrl',
  'VoiceReceiveMode',
  'SmsUrl',
  'SmsFallbackUrl',
  'StatusCallback',
  'VoiceApplicationSid',
  'SmsApplicationSid',
  'TrunkSid',
  'AddressSid',
  'BundleSid',
  'IdentitySid',
  'EmergencyAddressSid',
  ...METHODS,
];
const SALE = { Local: 'local', Mobile: 'mobile', TollFree: 'toll_free' };

const routes = [
  ['GET', /^\/2010-04-01\/Accounts\/AC\w{32}\/IncomingPhoneNumbers\.json$/, listNumbers],
  ['POST', /^\/2010-04-01\/Accounts\/AC\w{32}\/IncomingPhoneNumbers\.json$/, buyNumber],
  ['GET', /^\/2010-04-01\/Accounts\/AC\w{32}\/IncomingPhoneNumbers\/(PN\w{32})\.json$/, fetchNumber],
  ['POST', /^\/2010-04-01\/Accounts\/AC\w{32}\/IncomingPhoneNumbers\/(PN\w{32})\.json$/, updateNumber],
  [
    'GET',
    /^\/2010-04-01\/Accounts\/AC\w{32}\/AvailablePhoneNumbers\/([A-Z]{2})\/(Local|Mobile|TollFree)\.json$/,
    onSale,
  ],
  ['GET', /^\/2010-04-01\/Accounts\/AC\w{32}\/Calls\/(CA\w{32})\.json$/, fetchCall],
  ['POST', /^\/2010-04-01\/Accounts\/AC\w{32}\/Calls\/(CA\w{32})\.json$/, updateCall],
  ['GET', /^\/v1\/DialingPermissions\/Countries\/([A-Z]{2})$/, mayDial],
];

function listNumbers(state, asked) {
  const { PhoneNumber, FriendlyName } = asked.query;
  const pattern = PhoneNumber && new RegExp(PhoneNumber.replace(/\D/g, (c) => (c === '*' ? '\\d' : '')));
  const found = state.numbers
    .filter((one) => !pattern || pattern.test(one.phone_number)) // a part of the number is enough, as with Twilio
    .filter((one) => !FriendlyName || one.friendly_name === FriendlyName);
  return page('incoming_phone_numbers', found, asked);
}

function buyNumber(state, { form }) {
  const wanted =
    form.PhoneNumber ?? state.sale.find((one) => one.phone_number.startsWith(`+1${form.AreaCode}`))?.phone_number;
  if (!form.PhoneNumber && !form.AreaCode) throw invalid('PhoneNumber or AreaCode is required');
  if (!wanted) throw new Refusal(400, 21452, `No phone numbers found in area code ${form.AreaCode}`);
  if (!/^\+[1-9]\d{6,14}$/.test(wanted)) throw new Refusal(400, 21421, `${wanted} is not a valid number`);
  const offer = state.sale.find((one) => one.phone_number === wanted && !one.gone);
  if (!offer) throw new Refusal(400, 21422, `${wanted} is not available`);
  compliant(offer, form);
  const number = changed(owned(state, wanted), form);
  state.sale = state.sale.filter((one) => one !== offer);
  state.numbers.push(number);
  return ok(number, 201);
}

function compliant(offer, form) {
  if (offer.address_requirements === 'local' && !form.AddressSid)
    throw new Refusal(400, 21615, 'Phone Number Requires a Local Address');
  if (offer.address_requirements !== 'none' && !form.AddressSid)
    throw new Refusal(400, 21631, 'Phone Number Requires an Address');
  if (offer.bundle && form.BundleSid !== offer.bundle)
    throw new Refusal(400, 21649, `Bundle [${form.BundleSid ?? ''}] status is not twilio-approved`);
}

/** A number as it is just after the purchase, or as the test describes it. */
function owned(state, phone, more = {}) {
  const key = sid('PN');
  return {
    account_sid: state.account,
    address_requirements: 'none',
    address_sid: null,
    api_version: '2010-04-01',
    beta: false,
    bundle_sid: null,
    capabilities: { voice: true, sms: true, mms: true, fax: false },
    date_created: 'Mon, 23 Nov 2026 09:00:00 +0000',
    date_updated: 'Mon, 23 Nov 2026 09:00:00 +0000',
    emergency_address_sid: null,
    emergency_address_status: 'unregistered',
    emergency_status: 'Inactive',
    friendly_name: `(${phone.slice(2, 5)}) ${phone.slice(5, 8)}-${phone.slice(8)}`,
    identity_sid: null,
    origin: 'twilio',
    phone_number: phone,
    sid: key,
    sms_application_sid: '',
    sms_fallback_method: 'POST',
    sms_fallback_url: '',
    sms_method: 'POST',
    sms_url: DEMO_SMS,
    status: 'in-use',
    status_callback: '',
    status_callback_method: 'POST',
    trunk_sid: null,
    uri: `/2010-04-01/Accounts/${state.account}/IncomingPhoneNumbers/${key}.json`,
    voice_application_sid: '',
    voice_caller_id_lookup: false,
    voice_fallback_method: 'POST',
    voice_fallback_url: '',
    voice_method: 'POST',
    voice_receive_mode: 'voice',
    voice_url: DEMO_VOICE,
    ...more,
  };
}

/** The number with the form's fields set; an application drives out a trunk and the other way round. */
function changed(number, form) {
  for (const name of METHODS) {
    if (name in form && !['GET', 'POST'].includes(form[name])) throw invalid(`${name} must be GET or POST`);
  }
  if ((form.FriendlyName ?? '').length > 64) throw invalid('FriendlyName is longer than 64 characters');
  const set = SETTABLE.filter((name) => name in form).map((name) => [snake(name), form[name]]);
  const after = { ...number, ...Object.fromEntries(set) };
  if (form.VoiceApplicationSid) after.trunk_sid = null;
  if (form.TrunkSid) after.voice_application_sid = '';
  return after;
}

function snake(name) {
  return name.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase();
}

function fetchNumber(state, asked) {
  return ok(state.numbers[indexOf(state.numbers, asked)]);
}

function updateNumber(state, asked) {
  const index = indexOf(state.numbers, asked);
  state.numbers[index] = changed(state.numbers[index], asked.form);
  return ok(state.numbers[index]);
}

function indexOf(items, { path, part }) {
  const index = items.findIndex((one) => one.sid === part[0]);
  if (index < 0) throw unknown(path);
  return index;
}

function onSale(state, { path, part, query }) {
  const [country, kind] = part;
  if (!state.sale.some((one) => one.iso_country === country)) throw unknown(path);
  const pattern = query.Contains && new RegExp(query.Contains.replace(/\*/g, '\\d'));
  const found = state.sale
    .filter((one) => one.iso_country === country && one.kind === SALE[kind])
    .filter((one) => !query.AreaCode || one.phone_number.startsWith(`+1${query.AreaCode}`))
    .filter((one) => !pattern || pattern.test(one.phone_number));
  const shown = found.slice(0, Number(query.PageSize ?? 50)).map(({ kind: _, gone, bundle, ...one }) => one);
  return ok({ available_phone_numbers: shown, uri: path });
}

/** A number on sale. `gone`: still shown, but somebody else has it by now; `bundle`: the SID that it takes. */
function offered(phone, more = {}) {
  return {
    address_requirements: 'none',
    beta: false,
    capabilities: { voice: true, sms: true, mms: true, fax: false },
    friendly_name: phone,
    iso_country: 'US',
    kind: 'local',
    lata: '722',
    latitude: '37.770000',
    locality: 'San Francisco',
    longitude: '-122.420000',
    phone_number: phone,
    postal_code: '94103',
    rate_center: 'SNFC CNTRL',
    region: 'CA',
    ...more,
  };
}

function fetchCall(state, asked) {
  return ok(state.calls[indexOf(state.calls, asked)]);
}

function updateCall(state, asked) {
  const call = state.calls[indexOf(state.calls, asked)];
  const { Status, Twiml, Url } = asked.form;
  if (Status && !['completed', 'canceled'].includes(Status)) throw invalid('Status must be completed or canceled');
  if ((Twiml ?? '').length > TWIML_LIMIT) throw invalid(`Twiml is longer than ${TWIML_LIMIT} characters`);
  if (['completed', 'canceled', 'failed', 'busy', 'no-answer'].includes(call.status)) {
    throw new Refusal(400, 21220, 'Call is not in-progress. Cannot redirect.');
  }
  state.updates.push({ sid: call.sid, ...asked.form });
  if (Status) call.status = Status;
  if (Url || Twiml) call.status = 'in-progress';
  return ok(call);
}

function ringing(state, key, more = {}) {
  return {
    account_sid: state.account,
    answered_by: null,
    api_version: '2010-04-01',
    caller_name: null,
    direction: 'inbound',
    duration: null,
    end_time: null,
    forwarded_from: '',
    from: '+14155550199',
    from_formatted: '(415) 555-0199',
    group_sid: null,
    parent_call_sid: null,
    phone_number_sid: null,
    price: null,
    price_unit: 'USD',
    queue_time: '0',
    sid: key,
    start_time: null,
    status: 'in-progress',
    subresource_uris: {},
    to: '+14155550100',
    to_formatted: '(415) 555-0100',
    trunk_sid: '',
    uri: `/2010-04-01/Accounts/${state.account}/Calls/${key}.json`,
    date_created: null,
    date_updated: null,
    ...more,
  };
}

function mayDial(state, { host, path, part: [country] }) {
  if (!(country in state.dialing)) throw unknown(path);
  const url = `https://${host}${path}`;
  return ok({
    iso_code: country,
    name: country,
    continent: '',
    country_codes: [],
    low_risk_numbers_enabled: state.dialing[country],
    high_risk_special_numbers_enabled: false,
    high_risk_tollfraud_numbers_enabled: false,
    url,
    links: { highrisk_special_prefixes: `${url}/HighRiskSpecialPrefixes` },
  });
}

module.exports = { offered, owned, ringing, routes };
