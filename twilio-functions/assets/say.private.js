'use strict';
// The languages in which Twilio's <Say> reads. Pure; gateway/flow/say.py chooses the same, and tests/contract/say.json
// holds the two together.

// <Say language> takes a locale, never a language alone, and another one may end the call.
const LOCALES = (
  'af-ZA am-ET ar-AE ar-XA arb bg-BG bn-IN ca-ES cmn-CN cmn-TW cs-CZ cy-GB da-DK de-AT de-DE el-GR en-AU en-CA en-GB ' +
  'en-GB-WLS en-IE en-IN en-NZ en-US en-ZA es-ES es-MX es-US fi-FI fil-PH fr-BE fr-CA fr-FR gu-IN he-IL hi-IN hu-HU ' +
  'id-ID is-IS it-IT ja-JP kn-IN ko-KR lv-LV ml-IN mr-IN ms-MY nb-NO nl-BE nl-NL pa-IN pl-PL pt-BR pt-PT ro-RO ru-RU ' +
  'sk-SK sr-RS sv-SE ta-IN te-IN th-TH tr-TR uk-UA vi-VN yue-HK zh-CN zh-HK zh-TW'
).split(' ');
const USUAL = new Map([
  ['ar', 'ar-XA'],
  ['cmn', 'cmn-CN'],
  ['de', 'de-DE'],
  ['en', 'en-US'],
  ['es', 'es-ES'],
  ['fr', 'fr-FR'],
  ['in', 'id-ID'],
  ['iw', 'he-IL'],
  ['nl', 'nl-NL'],
  ['nn', 'nb-NO'],
  ['no', 'nb-NO'],
  ['pt', 'pt-BR'],
  ['tl', 'fil-PH'],
  ['zh', 'cmn-CN'],
]);
const ELSEWHERE = new Map([
  ['en', 'en-GB'],
  ['es', 'es-MX'],
  ['pt', 'pt-PT'],
]);
const BY_CODE = new Map(LOCALES.map((locale) => [locale.toLowerCase(), locale]));
const ALONE = new Map(LOCALES.toReversed().map((locale) => [locale.split('-')[0], locale]));

/** The locale in which Twilio reads a language code: itself, else the nearest of its language; '' where there is none. */
function locale(code) {
  const [base, ...rest] = code.toLowerCase().split('-');
  const region = rest.find((part) => part.length === 2 || part.length === 3);
  const own = BY_CODE.get(code.toLowerCase()) ?? BY_CODE.get(`${base}-${region}`);
  return own ?? (region && ELSEWHERE.get(base)) ?? USUAL.get(base) ?? ALONE.get(base) ?? '';
}

module.exports = { locale };
