'use strict';
// A plan, what came of it, and the state of each line, as text for people.
const SIGNS = { buy: '+', update: '~', drift: '~', elsewhere: '>', shadowed: '~', noop: '=', orphan: '?', geo: '?' };
const FAULT = '!'; // of the other kinds, which a person must put right

/** The plan, a change a line, its fields below it, and a summary. */
function planText(plan) {
  const lines = plan.changes.flatMap((change) => [headline(change), ...fields(change)]);
  return [...lines, '', summary(plan)].join('\n').trimStart();
}

/** What `apply` has done and left. */
function resultText({ plan, done, left, stopped }) {
  const lines = [
    ...done.map((change) =>
      `done  ${change.kind} ${change.line} ${change.number || '(it has a number by now)'}`.trimEnd(),
    ),
    ...left.map((change) => `left  ${change.kind} ${change.line} ${change.number}`.trimEnd() + `: ${change.why}`),
    ...plan.changes.filter((change) => SIGNS[change.kind] === undefined).map(headline),
    ...(stopped ? [`stopped: ${stopped}`] : []),
  ];
  return [...lines, `${done.length} done, ${left.length} left, ${plan.faults} to put right by hand`].join('\n');
}

/** One line for each number: well, or what is wrong with it. */
function statusText(plan) {
  const lines = plan.changes.map((change) =>
    change.kind === 'noop' ? `= well         ${change.line} ${change.number}` : headline(change),
  );
  return [...lines, '', summary(plan)].join('\n').trimStart();
}

function headline({ kind, line, number, needs, reason, search, offers, costs }) {
  const what = [line, number, search ? sought(search) : '', offers ? `(such as ${offers[0]})` : '']
    .filter(Boolean)
    .join(' ');
  const tail = [
    costs ? 'COSTS MONEY, once and every month: needs --buy' : '',
    reason,
    needs === 'take-over' ? 'needs --take-over' : '',
  ];
  return `${SIGNS[kind] ?? FAULT} ${kind.padEnd(12)} ${[what, ...tail].filter(Boolean).join(': ')}`;
}

function sought({ country, type, area_code: area, contains }) {
  const more = [area ? `area code ${area}` : '', contains ? `with ${contains}` : ''].filter(Boolean);
  return [`a ${type.replace('_', '-')} number in ${country}`, ...more].join(', ');
}

function fields(change) {
  const entries = change.kind === 'buy' ? [] : Object.entries(change.fields);
  return entries.map(([field, [old, value]]) => `    ${field}: ${old || '(none)'} -> ${value || '(none)'}`);
}

function summary(plan) {
  const counted = Object.entries(plan.counts)
    .filter(([, count]) => count)
    .map(([kind, count]) => `${count} ${kind}`);
  return `flows ${plan.hash.slice(0, 12)}: ${counted.join(', ') || 'no numbers'}`;
}

module.exports = { planText, resultText, statusText };
