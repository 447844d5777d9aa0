'use strict';
// Numbers as the SDK gives them, lines of a flow, and the plan between them.
const plans = require('../assets/numbers-plan.private.js');

const PN = (n) => `PN${String(n).padStart(32, '0')}`;
const OURS = { domain: 'gw-1234-dev.twil.io', core: 'https://core.example.com/' };
const VOICE = 'https://gw-1234-dev.twil.io/voice';
const TWIML = 'https://core.example.com/twiml';
const WELL = {
  sid: PN(1),
  phoneNumber: '+14155550100',
  friendlyName: 'gw:clinic/desk',
  voiceUrl: VOICE,
  voiceMethod: 'POST',
  voiceFallbackUrl: TWIML,
  voiceFallbackMethod: 'POST',
  voiceApplicationSid: null,
  trunkSid: '',
};
const LINE = { label: 'desk', number: '+14155550100', search: null, hours: '', fallback: null, regulatory: {} };
const WANTED = {
  ...LINE,
  label: 'more',
  number: '',
  search: { country: 'US', type: 'local', area_code: '415', contains: '' },
};
const BOUGHT = {
  ...WELL,
  sid: PN(2),
  phoneNumber: '+14155550111',
  friendlyName: 'gw:clinic/more',
  voiceUrl: `${VOICE}?line=clinic/more`,
  voiceFallbackUrl: `${TWIML}?line=clinic/more`,
};

function artefact(...numbers) {
  return {
    format: 1,
    hash: 'f00d',
    flows: { clinic: { name: 'clinic', numbers, hours: {} } },
    calling_codes: { 1: 'US', 1204: 'CA', 33: 'FR' },
  };
}

function planned(lines, numbers = [], { offers = {}, reach = {} } = {}) {
  return plans.plan(plans.desired(artefact(...lines), OURS), { numbers, offers, reach });
}

/** A plan's kinds, each with its line. */
const kinds = (plan) => plan.changes.map(({ kind, line }) => `${kind} ${line}`);

module.exports = { BOUGHT, LINE, OURS, PN, TWIML, VOICE, WANTED, WELL, artefact, kinds, planned };
