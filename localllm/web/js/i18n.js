// The page's words in the person's language. Every text that is shown is in i18n/<language>.json.

const KEY = "localllm.language";
export const LANGUAGES = { en: "English", zh: "中文" };
let words = {};
let current = "en";

export function language() {
  return current;
}

export async function loadLanguage(chosen = stored() || preferred()) {
  current = chosen in LANGUAGES ? chosen : "en";
  const answer = await fetch(`/page/i18n/${current}.json`);
  words = await answer.json();
  document.documentElement.lang = current === "zh" ? "zh-Hans" : current;
}

export async function chooseLanguage(chosen) {
  localStorage.setItem(KEY, chosen);
  await loadLanguage(chosen);
}

function stored() {
  return localStorage.getItem(KEY);
}

function preferred() {
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

// The text of a key; {name} in it becomes values.name.
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function bytes(count) {
  if (!count) return "0 MB";
  const [size, unit] = count >= 1e9 ? [count / 1e9, "GB"] : [count / 1e6, "MB"];
  return `${number(size, size < 10 ? 1 : 0)} ${unit}`;
}

export function number(value, digits = 0) {
  return value.toLocaleString(current, { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return t("time.seconds", { n: number(seconds, seconds < 10 ? 1 : 0) });
  if (seconds < 3600) return t("time.minutes", { n: number(seconds / 60) });
  return t("time.hours", { n: number(seconds / 3600, 1) });
}

export function moment(time) {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  const form = isToday ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" };
  return date.toLocaleString(current, form);
}
