// What the server says of its models, memory and downloads, asked for regularly while somebody looks at the page.

import { getJson } from "./api.js";

const SLOWLY_MS = 5000;
const listeners = new Set();
let interval = SLOWLY_MS;
let timer = 0;
let asked = null;

export const state = { models: [], memory: null, downloads: [], default_model: null, is_lost: false };

// Calls `listener` now and after each change; the result ends that.
export function watchState(listener, everyMs = SLOWLY_MS) {
  const entry = { listener, everyMs };
  listeners.add(entry);
  adapt();
  if (state.memory) listener(state);
  return () => {
    listeners.delete(entry);
    adapt();
  };
}

export function refresh() {
  asked ??= ask().finally(() => {
    asked = null;
  });
  return asked;
}

async function ask() {
  clearTimeout(timer);
  try {
    Object.assign(state, await getJson("/page/state"), { is_lost: false });
  } catch {
    state.is_lost = true;
  }
  for (const { listener } of [...listeners]) listener(state);
  schedule();
}

function adapt() {
  interval = Math.min(SLOWLY_MS, ...[...listeners].map((entry) => entry.everyMs));
  schedule();
}

function schedule() {
  clearTimeout(timer);
  timer = setTimeout(() => (document.hidden ? schedule() : refresh()), interval);
}

export function model(id) {
  return state.models.find((entry) => entry.id === id);
}

// Models that can answer in a chat, without a download.
export function chatModels() {
  return state.models.filter((entry) => entry.is_here && !["embedding", "reranking"].includes(entry.kind));
}
