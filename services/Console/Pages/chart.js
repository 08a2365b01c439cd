// Small line charts on a canvas: time on the x axis, up to two y axes, lines, steps and bands.
import { color, number } from '/assets/common.js';

const clock = (value) => new Date(value).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockSeconds = (value) => new Date(value).toLocaleTimeString('en-GB');

function niceMax(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  // Tops whose quarters are round numbers.
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value * 1.02) ?? 20 * power;
}

/**
 * Draws. series: [{ points: [[time, value]...], color: 's1', band: [[time, low, high]...], right, step, dash }];
 * options: { from, to, unit, rightUnit, empty }. Times in milliseconds since the epoch.
 */
export function draw(canvas, series, options = {}) {
  const ratio = window.devicePixelRatio || 1,
    width = canvas.clientWidth,
    height = canvas.clientHeight;
  if (width === 0) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const g = canvas.getContext('2d');
  g.scale(ratio, ratio);
  g.font = '12px system-ui, "DejaVu Sans", sans-serif';
  const all = series.flatMap((s) => [...(s.points ?? []), ...(s.band ?? [])]);
  if (all.length === 0) {
    g.fillStyle = color('quiet');
    g.textAlign = 'center';
    g.fillText(options.empty ?? 'No data yet', width / 2, height / 2);
    return;
  }
  const right = series.some((s) => s.right);
  const box = { left: 48, top: 10, right: width - (right ? 40 : 10), bottom: height - 24 };
  const from = options.from ?? Math.min(...all.map((p) => p[0]));
  const to = Math.max(options.to ?? Math.max(...all.map((p) => p[0])), from + 1000);
  const top = (axis) =>
    niceMax(
      Math.max(
        0,
        ...series
          .filter((s) => !!s.right === axis)
          .flatMap((s) => [
            ...(s.points ?? []).filter((p) => p[0] >= from).map((p) => p[1]),
            ...(s.band ?? []).filter((p) => p[0] >= from).map((p) => p[2]),
          ]),
      ),
    );
  const tops = { left: Math.max(top(false), options.least ?? 0), right: top(true) };
  const x = (t) => box.left + ((t - from) / (to - from)) * (box.right - box.left);
  const y = (v, axis) => box.bottom - (v / (axis ? tops.right : tops.left)) * (box.bottom - box.top);
  grid(g, box, tops, right, from, to, x);
  if (options.now !== undefined && options.now > from && options.now < to) {
    g.strokeStyle = color('quiet');
    g.setLineDash([2, 3]);
    g.beginPath();
    g.moveTo(x(options.now), box.top);
    g.lineTo(x(options.now), box.bottom);
    g.stroke();
    g.setLineDash([]);
  }
  g.save();
  g.beginPath();
  g.rect(box.left, 0, box.right - box.left, box.bottom + 1);
  g.clip();
  for (const s of series) if (s.band?.length > 1) band(g, s, x, y);
  for (const s of series) if (s.points?.length > 0) line(g, s, x, y);
  g.restore();
}

function grid(g, box, tops, right, from, to, x) {
  g.strokeStyle = color('line');
  g.fillStyle = color('quiet');
  g.lineWidth = 1;
  for (let i = 0; i <= 4; i++) {
    const at = Math.round(box.bottom - ((box.bottom - box.top) * i) / 4) + 0.5;
    g.beginPath();
    g.moveTo(box.left, at);
    g.lineTo(box.right, at);
    g.stroke();
    const label = (v) =>
      v >= 1000 ? `${number(v / 1000, v % 1000 === 0 ? 0 : 1)}k` : number(v, v < 10 && v % 1 ? (v < 1 ? 2 : 1) : 0);
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    g.fillText(label((tops.left * i) / 4), box.left - 7, at);
    if (right) {
      g.textAlign = 'left';
      g.fillText(label((tops.right * i) / 4), box.right + 7, at);
    }
  }
  g.textBaseline = 'top';
  const count = Math.max(2, Math.min(6, Math.floor((box.right - box.left) / 90)));
  for (let i = 0; i <= count; i++) {
    const t = from + ((to - from) * i) / count;
    g.textAlign = i === 0 ? 'left' : i === count ? 'right' : 'center';
    g.fillText((to - from < 600000 ? clockSeconds : clock)(t), x(t), box.bottom + 7);
  }
}

function band(g, s, x, y) {
  g.fillStyle = color(s.color);
  g.globalAlpha = 0.2;
  g.beginPath();
  s.band.forEach((p, i) => (i === 0 ? g.moveTo(x(p[0]), y(p[2], s.right)) : g.lineTo(x(p[0]), y(p[2], s.right))));
  [...s.band].reverse().forEach((p) => g.lineTo(x(p[0]), y(p[1], s.right)));
  g.closePath();
  g.fill();
  g.globalAlpha = 1;
}

function line(g, s, x, y) {
  g.strokeStyle = g.fillStyle = color(s.color);
  g.lineWidth = 2;
  g.lineJoin = 'round';
  g.setLineDash(s.dash ? [5, 4] : []);
  g.beginPath();
  let before = null;
  for (const p of s.points) {
    if (before === null) g.moveTo(x(p[0]), y(p[1], s.right));
    else {
      if (s.step) g.lineTo(x(p[0]), y(before[1], s.right));
      g.lineTo(x(p[0]), y(p[1], s.right));
    }
    before = p;
  }
  g.stroke();
  g.setLineDash([]);
  if (s.points.length === 1) {
    g.beginPath();
    g.arc(x(before[0]), y(before[1], s.right), 3, 0, 7);
    g.fill();
  }
}
