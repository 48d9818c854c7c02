// The last five minutes as an area: tokens written per second, with the numbers also as words for who cannot see it.

import { h } from "../dom.js";
import { number, t } from "../i18n.js";

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 720; // where the page says nothing yet
const HEIGHT = 180;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 10;
const SPAN_S = 300;
const LEAST_TOP = 10;
let right = WIDTH;

export class Chart {
  constructor() {
    this.svg = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img" });
    this.words = h("p", { class: "hint" });
    this.element = h("figure", { class: "boxed chart-box" }, this.svg,
      h("figcaption", { class: "row legend" }, h("span", {}, h("i", { class: "written" }), t("chart.written")),
        h("span", {}, h("i", { class: "read" }), t("chart.read")), this.words));
    this.show([]);
  }

  // As wide as its place, so that its words are as large as all others.
  #fit(width) {
    right = width;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  }

  show(history) {
    this.#fit(this.svg.clientWidth || WIDTH);
    const points = history.filter((sample) => sample.age_s <= SPAN_S);
    const most = Math.max(0, ...points.map((sample) => sample.tokens_per_s));
    const mostRead = Math.max(0, ...points.map((sample) => sample.prompt_tokens_per_s));
    const top = niceTop(Math.max(LEAST_TOP, most));
    this.words.textContent = t("chart.words", { most: number(most, 1), read: number(mostRead, 1) });
    this.svg.setAttribute("aria-label", this.words.textContent);
    this.svg.replaceChildren(...grid(top), ...line(points, "prompt_tokens_per_s", niceTop(Math.max(LEAST_TOP, mostRead)), "read"),
      ...line(points, "tokens_per_s", top, "written"));
  }
}

function grid(top) {
  const rows = [0, 0.5, 1].flatMap((share) => {
    const y = yOf(share * top, top);
    return [svg("line", { x1: LEFT, x2: right, y1: y, y2: y, class: "grid" }), svg("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, number(share * top, 1))];
  });
  const times = [300, 240, 180, 120, 60, 0].map((age) => {
    const anchor = age === 0 ? "end" : age === SPAN_S ? "start" : "middle";
    return svg("text", { x: xOf(age), y: HEIGHT - 5, "text-anchor": anchor }, age ? `−${age / 60} min` : t("chart.now"));
  });
  return [...rows, ...times];
}

// Steps, because each sample is the average since the one before.
function line(points, field, top, name) {
  if (points.length < 2) return [];
  let path = "";
  points.forEach((sample, i) => {
    const [x, y] = [xOf(sample.age_s), yOf(Math.min(sample[field], top), top)];
    path += i ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const area = `${path}V${yOf(0, top)}H${xOf(points[0].age_s).toFixed(1)}Z`;
  return [svg("path", { d: area, class: `area ${name}` }), svg("path", { d: path, class: `line ${name}` })];
}

function xOf(age) {
  return LEFT + (right - LEFT) * (1 - age / SPAN_S);
}

function yOf(value, top) {
  return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
}

function niceTop(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * step).find((each) => each >= value);
}

function svg(tag, attributes, text) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}
