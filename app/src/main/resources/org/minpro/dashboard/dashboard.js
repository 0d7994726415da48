'use strict';
// One page, four views; everything is asked of the server that sent it. No build step, no other origin.

const view = document.getElementById('view');
const live = document.getElementById('live');
const COLOURS = 8;

/** An element: el('a', {href: '#'}, 'text', child …); a function under on… is a listener. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

async function ask(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const response = await fetch('api/' + path + '?' + new URLSearchParams(given));
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 10 ** -digits / 2)) return value.toExponential(2);
  return String(Number(value.toFixed(digits)));
}

const share = (value) => (value === null || value === undefined ? '–' : (100 * value).toFixed(1) + ' %');

function duration(seconds) {
  if (!seconds || seconds < 0) return '–';
  if (seconds < 90) return Math.round(seconds) + ' s';
  if (seconds < 5400) return Math.round(seconds / 60) + ' min';
  if (seconds < 172800) return (seconds / 3600).toFixed(1) + ' h';
  return Math.round(seconds / 86400) + ' days';
}

const ago = (time) => (time ? duration(Date.now() / 1000 - time) + ' ago' : '–');
const colour = (index) => getComputedStyle(document.documentElement).getPropertyValue('--c' + (index % COLOURS)).trim();
const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Where we are: #view?run=…&run=…

function place() {
  const [name, query] = (location.hash.slice(1) || 'runs').split('?');
  return {name, query: new URLSearchParams(query || '')};
}

function go(name, pairs) {
  location.hash = name + '?' + new URLSearchParams(pairs);
}

const VIEWS = {runs: 'Runs', curves: 'Curves', rollouts: 'Rollouts', answers: 'Answers', run: 'Settings'};
let refresh = () => {};
let shownView = '';

async function show() {
  const {name, query} = place();
  const draw = {runs: showRuns, curves: showCurves, rollouts: showRollouts, answers: showAnswers, run: showRun}[name];
  const runs = query.getAll('run');
  document.querySelector('nav').replaceChildren(...Object.entries(VIEWS).map(([key, title]) =>
    el('a', {href: '#' + key + (runs.length && key !== 'runs' ? '?' + new URLSearchParams(runs.map((run) => ['run', run])) : ''),
      'aria-current': key === name ? 'page' : null}, title)));
  if (shownView !== location.hash) view.replaceChildren(el('p', {class: 'soft'}, 'reading …'));
  shownView = location.hash;
  refresh = () => {};
  try {
    await (draw || showRuns)(query);
    document.title = 'MinPRO: ' + (VIEWS[name] || 'Runs').toLowerCase() + (runs.length ? ' of ' + runs.join(', ') : '');
  } catch (failure) {
    view.replaceChildren(el('p', {class: 'warn', role: 'alert'}, failure.message));
  }
}

/** The run that a view of one run is about: the one that the address names, or the newest. */
async function oneRun(query) {
  if (query.get('run')) return query.get('run');
  const {runs} = await ask('runs');
  if (!runs.length) throw new Error('there are no runs yet; ./minpro train makes one');
  return runs.reduce((newest, run) => (run.changed >= newest.changed ? run : newest)).name;
}

function runPicker(names, chosen, name) {
  return el('label', {}, 'run', el('select', {onchange: (event) => go(name, [['run', event.target.value]])},
    ...names.map((run) => el('option', {value: run, selected: run === chosen}, run))));
}

// Runs.

const sorting = {key: 'name', descending: false};
const chosenRuns = new Set();
let wantedRuns = '';

async function showRuns() {
  const body = el('tbody');
  const count = el('span', {class: 'soft'});
  let runs = [];
  const columns = [
    ['name', 'run', true], ['state', 'state', true], ['done', 'iterations'], ['objective', 'objective', true], ['lag', 'lag'],
    ['reward', 'reward'], ['accuracy', 'accuracy before → after'], ['entropy', 'entropy'], ['loss', 'loss'],
    ['warnings', 'warnings'], ['changed', 'last line']];
  const head = el('tr', {}, el('th', {}, ''), ...columns.map(([key, title, text]) => el('th', {class: text ? 'text' : null, scope: 'col'},
    el('button', {type: 'button', onclick: () => { sorting.descending = sorting.key === key && !sorting.descending; sorting.key = key; fill(); }}, title))));
  const curves = el('button', {type: 'button', onclick: () => go('curves', [...chosenRuns].map((run) => ['run', run]))}, 'curves of the chosen runs');

  function fill() {
    const wanted = wantedRuns.toLowerCase();
    const shown = runs.filter((run) => (run.name + ' ' + run.objective + ' ' + run.state + ' ' + run.model).toLowerCase().includes(wanted));
    shown.sort((a, b) => {
      const [x, y] = [a[sorting.key], b[sorting.key]];
      const order = x === null ? 1 : y === null ? -1 : typeof x === 'number' ? x - y : String(x).localeCompare(String(y), undefined, {numeric: true});
      return sorting.descending && x !== null && y !== null ? -order : order;
    });
    curves.disabled = chosenRuns.size === 0;
    count.textContent = shown.length + ' of ' + runs.length + ' runs';
    body.replaceChildren(...shown.map((run) => el('tr', {},
      el('td', {}, el('input', {type: 'checkbox', 'aria-label': 'choose run ' + run.name, checked: chosenRuns.has(run.name),
        onchange: (event) => { if (event.target.checked) chosenRuns.add(run.name); else chosenRuns.delete(run.name); curves.disabled = chosenRuns.size === 0; }})),
      el('td', {class: 'text'}, el('a', {href: '#curves?' + new URLSearchParams({run: run.name})}, run.name)),
      el('td', {class: 'text'}, el('span', {class: 'state ' + run.state}, run.state)),
      el('td', {}, run.done + (run.due ? ' / ' + run.due : '')
        + (run.state === 'running' && run.due > run.done && run.seconds ? ', ' + duration(run.seconds * (run.due - run.done)) + ' left' : '')),
      el('td', {class: 'text'}, run.command === 'sft' ? 'sft' : run.objective),
      el('td', {}, run.lag || '–'),
      el('td', {}, number(run.reward)),
      el('td', {}, (run.accuracy_before === null ? '' : share(run.accuracy_before) + ' → ') + share(run.accuracy)),
      el('td', {}, number(run.entropy)),
      el('td', {}, number(run.loss)),
      el('td', {}, run.warnings ? el('a', {class: 'warn', href: '#run?' + new URLSearchParams({run: run.name})}, String(run.warnings)) : '0'),
      el('td', {}, ago(run.changed)))));
  }

  async function read() {
    const answer = await ask('runs');
    runs = answer.runs;
    fill();
    return answer;
  }
  const {root} = await read();
  view.replaceChildren(
    el('h1', {}, 'Runs in ' + root),
    el('div', {class: 'tools'},
      el('label', {}, 'only with', el('input', {type: 'search', value: wantedRuns, oninput: (event) => { wantedRuns = event.target.value; fill(); }})),
      curves, count),
    runs.length ? el('div', {class: 'wide'}, el('table', {}, el('thead', {}, head), body)) : el('p', {}, 'There are none yet: ./minpro train makes one.'));
  refresh = read;
}

// Curves.

const TENTH = 'prefix/minimum_mean_tenth_';
const CURVES = [
  {title: 'reward', names: ['reward']},
  {title: 'accuracy: training (line), held-out problems with 95 % intervals (points)', names: ['accuracy'], evaluated: true, key: 'accuracy'},
  {title: 'loss, nats per token', names: ['loss', 'evaluation_loss'], sft: true},
  {title: 'loss', names: ['loss'], rl: true},
  {title: 'entropy, nats per token', names: ['entropy']},
  {title: 'effective sample size: tokens, responses', names: ['rollout_corr/rollout_is_eff_sample_size', 'ratio/sequence_ess']},
  {title: 'ratio π/μ: quantiles of tokens', names: ['ratio/p01', 'ratio/p05', 'ratio/p50', 'ratio/p95', 'ratio/p99'], overlay: ['ratio/p01', 'ratio/p99']},
  {title: 'minimum prefix ratio by position in the response', positions: true},
  {title: 'minimum prefix ratio: mean, last tenth', names: ['prefix/minimum_mean', TENTH + '10']},
  {title: 'lengths of responses, tokens: mean, longest', names: ['completions/mean_length', 'completions/max_length']},
  {title: 'shares: cut off, undecided, groups without a difference', names: ['completions/clipped_ratio', 'undecided', 'frac_reward_zero_std']},
  {title: 'age of tokens, updates', names: ['age/mean']},
  {title: 'norm of the gradient', names: ['grad_norm']},
  {title: 'sampler against trainer, nats: largest, mean', names: ['mismatch/max', 'mismatch/mean']},
  {title: 'tokens per second: sampled, trained', names: ['time/sampled_tokens_per_second', 'time/trained_tokens_per_second']},
  {title: 'memory of the process, GB', names: ['time/resident_bytes'], scale: 1e-9},
  {title: 'seconds: sampling, training', names: ['time/sampling_seconds', 'time/training_seconds', 'time/seconds']},
];
let smoothing = 1;
let plots = [];

function smoothed(values, width) {
  if (width <= 1) return values;
  const window = [];
  let sum = 0;
  return values.map((value) => {
    if (value === null) return null;
    window.push(value);
    sum += value;
    if (window.length > width) sum -= window.shift();
    return sum / window.length;
  });
}

/** Draws lines over x; a chart keeps its plot, so that what it shows can be read. */
function chart(title, x, lines, xLabel) {
  const box = el('section', {class: 'chart', 'aria-label': title}, el('h2', {}, title));
  view.querySelector('.charts').append(box);
  const axis = {stroke: themed('--soft'), grid: {stroke: themed('--edge'), width: 1}, ticks: {stroke: themed('--edge'), width: 1}, font: '11px system-ui, sans-serif'};
  const plot = new uPlot({
    width: box.clientWidth - 20,
    height: 210,
    scales: {x: {time: false}, y: {range: (u, low, high) => room(lines, low, high)}},
    axes: [{...axis, label: xLabel, labelFont: '11px system-ui, sans-serif', labelSize: 16, size: 30, incrs: WHOLE},
      {...axis, size: (u, values) => 20 + 6.5 * Math.max(1, ...(values || []).map((value) => value.length)), values: (u, splits) => ticks(splits)}],
    legend: {live: true},
    cursor: {drag: {x: true, y: false}, points: {size: 6}},
    series: [{label: xLabel, value: (u, value) => (value === null ? '–' : String(value))}, ...lines.map((line) => ({
      label: line.label, stroke: colour(line.colour), width: line.points ? 0 : 1.6, dash: line.dash, spanGaps: true,
      paths: line.points ? () => null : undefined,
      points: {show: line.points || x.length < 3 ? true : false, size: 6, fill: colour(line.colour)},
      value: (u, value) => number(value, 4)}))],
    hooks: {draw: [(u) => lines.forEach((line, i) => line.intervals && drawIntervals(u, i + 1, line))]},
  }, [x, ...lines.map((line) => line.values)], box);
  box.plot = plot;
  plots.push({plot, box});
}

/** Steps of iterations: there are no halves of one. */
const WHOLE = [1, 2, 5].flatMap((digit) => Array.from({length: 8}, (_, power) => digit * 10 ** power)).sort((a, b) => a - b);

/** A range with room for intervals, and some air. */
function room(lines, low, high) {
  const ends = lines.flatMap((line) => (line.intervals || []).filter(Boolean).flat()).filter((value) => value !== null);
  const all = [...ends, low, high].filter((value) => value !== null && Number.isFinite(value));
  return all.length ? uPlot.rangeNum(Math.min(...all), Math.max(...all), 0.1, true) : [0, 1];
}

/** Ticks with as many digits as tell them apart. */
function ticks(values) {
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) : Math.abs(values[0] || 1);
  const largest = Math.max(...values.map(Math.abs));
  if (largest >= 1e5 || (largest < 1e-3 && largest > 0)) return values.map((value) => (value === 0 ? '0' : value.toExponential(1)));
  let digits = 0;
  while (digits < 8 && values.some((value) => Math.abs(value - Number(value.toFixed(digits))) > step / 1000)) digits++;
  return values.map((value) => value.toFixed(digits));
}

function drawIntervals(u, series, line) {
  const context = u.ctx;
  context.save();
  context.strokeStyle = colour(line.colour);
  context.lineWidth = 1.4 * devicePixelRatio;
  u.data[0].forEach((x, i) => {
    if (u.data[series][i] === null || !line.intervals[i]) return;
    const across = u.valToPos(x, 'x', true);
    const [low, high] = line.intervals[i].map((y) => u.valToPos(y, 'y', true));
    context.beginPath();
    context.moveTo(across, low);
    context.lineTo(across, high);
    context.stroke();
  });
  context.restore();
}

const DASHES = [undefined, [7, 4], [2, 3], [9, 3, 2, 3], [12, 4]];

/** Lines of one axis out of runs whose steps differ. */
function joined(parts) {
  const steps = [...new Set(parts.flatMap((part) => part.x))].sort((a, b) => a - b);
  const at = new Map(steps.map((step, i) => [step, i]));
  return [steps, parts.map((part) => {
    const values = new Array(steps.length).fill(null);
    const intervals = part.intervals ? new Array(steps.length).fill(null) : undefined;
    part.x.forEach((step, i) => {
      values[at.get(step)] = part.values[i];
      if (intervals) intervals[at.get(step)] = part.intervals[i];
    });
    return {...part, values, intervals};
  })];
}

async function showCurves(query) {
  let names = query.getAll('run');
  if (!names.length) names = [await oneRun(query)];
  const own = query.get('metric') || '';
  const all = (await ask('runs')).runs;
  const details = await ask('run', {run: names[0]});
  const wanted = [...new Set(CURVES.flatMap((curve) => curve.names || []))].concat(TENTH + '*', own ? [own] : []).join(',');
  view.replaceChildren(
    el('h1', {}, names.length === 1 ? 'Run ' + names[0] : names.length + ' runs'),
    el('div', {class: 'tools'},
      names.length === 1 ? runPicker(all.map((run) => run.name), names[0], 'curves') : null,
      el('label', {}, 'mean of so many iterations', el('input', {type: 'number', min: 1, max: 999, value: smoothing,
        onchange: (event) => { smoothing = Math.max(1, Number(event.target.value) || 1); read(); }})),
      el('label', {}, 'another number', el('select', {onchange: (event) => go('curves', [...names.map((run) => ['run', run]), ['metric', event.target.value]])},
        el('option', {value: ''}, '–'), ...details.names.map((name) => el('option', {value: name, selected: name === own}, name)))),
      el('span', {class: 'legend', id: 'runs-legend'}),
      el('span', {class: 'soft', id: 'state'})),
    el('div', {class: 'charts'}));

  async function read() {
    const data = await Promise.all(names.map((run) => ask('series', {run, names: wanted})));
    const summaries = (await ask('runs')).runs.filter((run) => names.includes(run.name));
    plots.forEach(({plot}) => plot.destroy());
    plots = [];
    view.querySelector('.charts').replaceChildren();
    view.querySelector('#runs-legend').replaceChildren(...(names.length > 1 ? names.map((run, i) => {
      const mark = el('i');
      mark.style.background = colour(i);
      return el('span', {}, mark, ' ' + run);
    }) : []));
    const every = Math.max(...data.map((answer) => answer.training.every));
    view.querySelector('#state').textContent = summaries.map((run) => run.state + ', ' + run.done + (run.due ? ' of ' + run.due : '') + ' iterations').join('; ')
      + (every > 1 ? '; one of ' + every + ' points is drawn' : '');
    const sft = summaries.some((run) => run.command === 'sft');
    const list = own ? [{title: own, names: [own]}, ...CURVES] : CURVES;
    for (const curve of list) {
      if ((curve.sft && !sft) || (curve.rl && sft)) continue;
      if (curve.positions) {
        byPosition(curve, data);
        continue;
      }
      const parts = [];
      data.forEach((answer, r) => {
        const columns = answer.training.columns;
        (names.length > 1 && curve.overlay ? curve.overlay : curve.names).forEach((name, n) => {
          if (!columns[name] || columns[name].every((value) => value === null)) return;
          const scaled = curve.scale ? columns[name].map((value) => (value === null ? null : value * curve.scale)) : columns[name];
          parts.push({label: names.length > 1 ? names[r] + ' ' + name : name, x: answer.training.step, values: smoothed(scaled, smoothing),
            colour: names.length > 1 ? r : n, dash: names.length > 1 ? DASHES[n % DASHES.length] : undefined});
        });
        const evaluated = answer.evaluation.columns;
        if (curve.evaluated && evaluated['eval/accuracy']) {
          parts.push({label: (names.length > 1 ? names[r] + ' ' : '') + 'held out', x: answer.evaluation.step, values: evaluated['eval/accuracy'],
            intervals: evaluated['eval/accuracy'].map((value, i) => [evaluated['eval/accuracy_low'][i], evaluated['eval/accuracy_high'][i]]),
            points: true, colour: names.length > 1 ? r : 1});
        }
      });
      if (parts.length) {
        const [x, lines] = joined(parts);
        chart(curve.title, x, lines, sft ? 'update' : 'iteration');
      }
    }
    if (!plots.length) view.querySelector('.charts').append(el('p', {class: 'soft'}, 'nothing is recorded yet; the curves appear with the first iteration'));
  }

  function byPosition(curve, data) {
    const lines = [];
    const tenths = Array.from({length: 10}, (_, i) => TENTH + String(i + 1).padStart(2, '0'));
    data.forEach((answer, r) => {
      const columns = answer.training.columns;
      if (!columns[tenths[0]]) return;
      const rows = answer.training.step.map((_, i) => i).filter((i) => columns[tenths[9]][i] !== null);
      const shown = names.length > 1 ? rows.slice(-1) : [0, 0.25, 0.5, 0.75, 1].map((part) => rows[Math.round(part * (rows.length - 1))]);
      [...new Set(shown)].forEach((row, n) => lines.push({label: (names.length > 1 ? names[r] + ' ' : '') + 'iteration ' + answer.training.step[row],
        values: tenths.map((name) => columns[name][row]), colour: names.length > 1 ? r : n}));
    });
    if (lines.length) chart(curve.title, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], lines, 'tenth of the response');
  }

  await read();
  refresh = read;
}

addEventListener('resize', () => plots.forEach(({plot, box}) => plot.setSize({width: box.clientWidth - 20, height: 210})));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);

// Rollouts.

const MEASURES = {
  log_ratio: {title: 'log π/μ', text: 'full colour at |log π/μ| = 1', of: (token) => token.log_ratio, strength: (value) => Math.abs(value)},
  weight: {title: 'weight', text: 'full colour at 0 and at 2', of: (token) => token.weight, sign: (value) => value - 1, strength: (value) => Math.abs(value - 1)},
  min_prefix: {title: 'minimum prefix ratio', text: 'full colour at 0', of: (token) => token.min_prefix, sign: (value) => value - 1, strength: (value) => Math.abs(1 - value)},
  entropy: {title: 'entropy, nats', text: 'full colour at 2 nats', of: (token) => token.entropy, one: true, strength: (value) => value / 2},
  log_mu: {title: 'log μ, nats', text: 'full colour at −3 nats', of: (token) => token.log_mu, one: true, strength: (value) => -value / 3},
};
let measure = '';

function tokenNumbers(token, position) {
  const parts = ['token ' + position + ' ' + JSON.stringify(token.text) + ' id ' + token.id];
  for (const [key, title] of [['log_ratio', 'log π/μ'], ['log_mu', 'log μ'], ['log_pi', 'log π'], ['min_prefix', 'min-prefix'], ['weight', 'weight'], ['entropy', 'entropy'], ['age', 'age']]) {
    if (token[key] !== undefined && token[key] !== null) parts.push(title + ' ' + number(token[key], 4));
  }
  return parts.join('   ');
}

function drawTokens(box, response) {
  const chosen = MEASURES[measure && response.recorded ? measure : response.recorded ? 'log_ratio' : 'log_mu'];
  box.replaceChildren(...response.tokens.map((token, i) => {
    const span = el('span', {'data-at': i}, token.text);
    const value = chosen.of(token);
    if (value !== undefined && value !== null) {
      span.classList.add(chosen.one ? 'one' : (chosen.sign ? chosen.sign(value) : value) > 0 ? 'up' : 'down');
      span.style.setProperty('--a', (0.8 * Math.min(1, Math.max(0, chosen.strength(value)))).toFixed(3));
    }
    return span;
  }));
}

async function showRollouts(query) {
  const run = await oneRun(query);
  const all = (await ask('runs')).runs;
  const body = el('tbody');
  const count = el('p', {class: 'soft', role: 'status'});
  const reader = el('div', {}, el('p', {class: 'soft'}, 'choose a rollout; its whole group is shown side by side'));
  const field = (name, title, attributes) => el('label', {}, title, el('input', {name, value: query.get(name) || '', ...attributes}));
  const select = (name, title, options) => el('label', {}, title, el('select', {name},
    ...options.map(([value, text]) => el('option', {value, selected: (query.get(name) || '') === value}, text))));
  const form = el('form', {onsubmit: (event) => { event.preventDefault(); apply(); }, onchange: () => apply()},
    runPicker(all.map((one) => one.name), run, 'rollouts'),
    field('iteration', 'iteration', {type: 'number', min: 0}),
    field('reward_from', 'reward from', {type: 'number', step: 'any'}),
    field('reward_to', 'to', {type: 'number', step: 'any'}),
    field('tokens_from', 'tokens from', {type: 'number', min: 0}),
    field('tokens_to', 'to', {type: 'number', min: 0}),
    select('undecided', 'verdict', [['', 'any'], ['true', 'undecided'], ['false', 'decided']]),
    select('truncated', 'end', [['', 'any'], ['true', 'cut off'], ['false', 'by itself']]),
    select('recorded', 'tokens', [['', 'all'], ['true', 'with ratios only']]),
    select('order', 'order', [['newest', 'newest'], ['oldest', 'oldest'], ['largest_ratio', 'largest ratio'], ['largest_reward', 'largest reward'],
      ['smallest_reward', 'smallest reward'], ['longest', 'longest'], ['shortest', 'shortest']]));
  form.querySelector('select').removeAttribute('name');

  function apply() {
    const pairs = [['run', run], ...[...new FormData(form)].filter(([, value]) => value !== '')];
    history.replaceState(null, '', '#rollouts?' + new URLSearchParams(pairs));
    shownView = location.hash;
    read();
  }

  let asked = 0;
  async function read() {
    const ticket = ++asked;
    const filter = Object.fromEntries(new FormData(form));
    let found;
    try {
      found = await ask('rollouts', {run, ...filter});
    } catch (failure) {
      count.textContent = failure.message;
      return;
    }
    if (ticket !== asked) return;
    if (found.indexing) {
      count.textContent = 'indexing the journal: ' + share(found.share);
      setTimeout(read, 500);
      return;
    }
    count.textContent = found.matching + ' of ' + found.all + ' rollouts' + (found.matching > found.rollouts.length ? ', the first ' + found.rollouts.length + ' are listed' : '');
    body.replaceChildren(...found.rollouts.map((rollout) => {
      const row = el('tr', {onclick: () => open(rollout, row)},
        el('td', {}, el('a', {href: location.hash, onclick: (event) => { event.preventDefault(); event.stopPropagation(); open(rollout, row); }},
          rollout.draw + '.' + rollout.sample)),
        el('td', {}, String(rollout.iteration)),
        el('td', {}, rollout.undecided ? 'undecided' : number(rollout.reward)),
        el('td', {}, rollout.tokens + (rollout.truncated ? ' ✂' : '')),
        el('td', {}, number(rollout.log_ratio)));
      return row;
    }));
  }

  async function open(rollout, row) {
    body.querySelectorAll('tr').forEach((other) => other.classList.toggle('chosen', other === row));
    const group = await ask('group', {run, draw: rollout.draw});
    showGroup(group, rollout.sample);
  }

  function showGroup(group, sample) {
    const numbers = el('div', {id: 'numbers', role: 'status'}, 'point at a token, or move over a response with the arrow keys');
    const boxes = [];
    const responses = el('div', {class: 'responses'}, ...group.responses.map((response) => {
      const box = el('div', {class: 'tokens', tabindex: 0, role: 'group', 'aria-label': 'response ' + response.sample});
      boxes.push([box, response]);
      let at = -1;
      const move = (to) => {
        at = Math.max(0, Math.min(response.tokens.length - 1, to));
        responses.querySelectorAll('.at').forEach((span) => span.classList.remove('at'));
        const span = box.children[at];
        if (!span) return;
        span.classList.add('at');
        numbers.textContent = tokenNumbers(response.tokens[at], at);
      };
      box.addEventListener('mouseover', (event) => { if (event.target.dataset.at) move(Number(event.target.dataset.at)); });
      box.addEventListener('keydown', (event) => {
        const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10}[event.key];
        if (step) { event.preventDefault(); move(at + step); }
      });
      const score = response.score || {};
      return el('div', {class: 'response' + (response.sample === sample ? ' chosen' : '')},
        el('header', {}, el('b', {}, 'sample ' + response.sample), el('span', {}, score.decided ? 'reward ' + number(score.value) : 'undecided'),
          el('span', {}, response.tokens.length + ' tokens'),
          response.finish === 'length' ? el('span', {class: 'warn'}, 'cut off') : null,
          response.recorded ? el('span', {}, 'ratios recorded') : null),
        score.reason ? el('div', {class: 'soft'}, score.reason) : null,
        box);
    }));
    const recorded = group.responses.some((response) => response.recorded);
    const legend = el('span', {class: 'legend'});
    const colourAll = () => {
      boxes.forEach(([box, response]) => drawTokens(box, response));
      const of = MEASURES[measure || (recorded ? 'log_ratio' : 'log_mu')];
      legend.replaceChildren(...(of.one ? [el('span', {}, el('i', {class: 'one'}), ' ' + of.title)]
        : [el('span', {}, el('i', {class: 'up'}), ' above'), el('span', {}, el('i', {class: 'down'}), ' below')]), of.text);
    };
    const first = group.responses[0] || {};
    reader.replaceChildren(
      el('h2', {}, 'draw ' + group.draw + ', problem ' + (first.problem || '') + ', sampled in iteration ' + first.iteration),
      el('details', {open: true}, el('summary', {}, 'prompt' + (first.answer ? ', reference answer ' + first.answer : '')),
        el('pre', {}, first.prompt === undefined ? 'the tokenizer of the run\'s model is not there: the prompt cannot be shown' : first.prompt)),
      el('div', {class: 'tools'},
        el('label', {}, 'colour', el('select', {id: 'measure', onchange: (event) => { measure = event.target.value; colourAll(); }},
          ...Object.entries(MEASURES).map(([key, of]) => el('option', {value: key, disabled: key !== 'log_mu' && !recorded,
            selected: key === (measure || (recorded ? 'log_ratio' : 'log_mu'))}, of.title)))),
        legend),
      responses, numbers);
    colourAll();
  }

  view.replaceChildren(el('h1', {}, 'Rollouts of ' + run), form, count,
    el('div', {class: 'two'},
      el('div', {class: 'list'}, el('table', {}, el('thead', {}, el('tr', {},
        ...['rollout', 'iteration', 'reward', 'tokens', '|log π/μ|'].map((title) => el('th', {scope: 'col'}, title)))), body)),
      reader));
  await read();
  if (query.get('draw')) showGroup(await ask('group', {run, draw: query.get('draw')}), Number(query.get('sample') || 0));
}

// Answers.

async function showAnswers(query) {
  const run = await oneRun(query);
  const all = (await ask('runs')).runs;
  const {answered} = await ask('answers', {run});
  const picker = runPicker(all.map((one) => one.name), run, 'answers');
  if (answered.length < 1) {
    view.replaceChildren(el('h1', {}, 'Answers of ' + run), el('div', {class: 'tools'}, picker),
      el('p', {}, 'No evaluation has ended yet: answers are stored at each one (evaluation.every).'));
    return;
  }
  const before = query.get('before') || String(answered[0]);
  const after = query.get('after') || String(answered.at(-1));
  const change = query.get('change') || '';
  const found = await ask('answers', {run, before, after, change});
  const select = (name, title, options, chosen) => el('label', {}, title, el('select', {name, onchange: (event) =>
    go('answers', Object.entries({run, before, after, change, [name]: event.target.value}))},
  ...options.map(([value, text]) => el('option', {value, selected: value === chosen}, text))));
  const steps = answered.map((step) => [String(step), 'after ' + step + ' iterations']);
  const order = ['better', 'worse', 'other words', 'same', 'undecided'];
  const cell = (judged) => el('td', {class: 'prose'},
    el('span', {class: 'soft'}, judged.score.decided ? 'reward ' + number(judged.score.value) : 'undecided'), '\n' + judged.text);
  view.replaceChildren(el('h1', {}, 'Answers of ' + run),
    el('div', {class: 'tools'}, picker, select('before', 'from', steps, before), select('after', 'to', steps, after),
      select('change', 'only', [['', 'all'], ...order.map((kind) => [kind, kind])], change)),
    el('p', {role: 'status'}, order.map((kind) => (found.counts[kind] || 0) + ' ' + kind).join(', ')
      + (found.matching > found.rows.length ? '; the first ' + found.rows.length + ' of ' + found.matching + ' are listed' : '')),
    el('div', {class: 'wide'}, el('table', {}, el('thead', {}, el('tr', {},
      ...['problem', 'change', 'before', 'after'].map((title) => el('th', {class: 'text', scope: 'col'}, title)))),
    el('tbody', {}, ...found.rows.map((row) => el('tr', {},
      el('td', {class: 'prose'}, el('b', {}, row.problem), (row.prompt === undefined || row.prompt === row.problem ? '' : '\n' + row.prompt) + '\nreference: ' + row.answer),
      el('td', {class: 'text ' + row.change}, row.change), cell(row.before), cell(row.after)))))));
}

// Settings, plan and warnings of a run.

async function showRun(query) {
  const run = await oneRun(query);
  const all = (await ask('runs')).runs;
  const details = await ask('run', {run});
  const table = el('tbody');
  const fill = (wanted) => table.replaceChildren(...Object.entries(details.settings)
    .filter(([name, value]) => (name + ' ' + value).toLowerCase().includes(wanted.toLowerCase()))
    .map(([name, value]) => el('tr', {}, el('td', {class: 'text'}, name), el('td', {class: 'prose'}, value))));
  fill('');
  const summary = details.summary;
  const resume = './minpro ' + summary.command + ' --resume ' + details.folder;
  view.replaceChildren(el('h1', {}, 'Run ' + run),
    el('div', {class: 'tools'}, runPicker(all.map((one) => one.name), run, 'run')),
    el('dl', {}, el('dt', {}, 'state'), el('dd', {}, el('span', {class: 'state ' + summary.state}, summary.state)),
      el('dt', {}, 'iterations'), el('dd', {}, summary.done + (summary.due ? ' of ' + summary.due : '')),
      el('dt', {}, 'folder'), el('dd', {}, details.folder)),
    el('h2', {}, 'Warnings and notices'),
    details.notices.length ? el('ul', {}, ...details.notices.map((notice) => el('li', {class: /^(warning|nothing)/.test(notice.line) ? 'warn' : null},
      'iteration ' + notice.iteration + ': ' + notice.line))) : el('p', {class: 'soft'}, 'none'),
    el('h2', {}, 'Plan'),
    details.plan ? el('pre', {}, details.plan) : el('p', {class: 'soft'}, 'this run has none stored'),
    ['stopped', 'failed', 'killed', 'elsewhere'].includes(summary.state) ? el('div', {}, el('h2', {}, 'Continue it'), el('pre', {}, resume)) : null,
    el('h2', {}, 'Settings'),
    el('div', {class: 'tools'}, el('label', {}, 'only with', el('input', {type: 'search', oninput: (event) => fill(event.target.value)}))),
    el('div', {class: 'wide'}, el('table', {}, table)));
  refresh = () => {};
}

// What changes is shown as it changes.

let waiting = null;
const events = new EventSource('api/events');
events.addEventListener('open', () => { live.textContent = 'live'; });
events.addEventListener('error', () => { live.textContent = 'the server does not answer'; });
events.addEventListener('changed', () => {
  // Several runs may end an iteration in one second.
  if (waiting === null) {
    waiting = setTimeout(() => { waiting = null; Promise.resolve(refresh()).catch(() => {}); }, 300);
  }
});
addEventListener('hashchange', () => { if (shownView !== location.hash) show().then(() => view.focus()); });
show();
