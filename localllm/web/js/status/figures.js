// The engines' figures, asked for regularly: often while somebody looks at them, now and then otherwise, so that the
// server's history has no gap when somebody does.

import { getJson } from "../api.js";

const OFTEN_MS = 1500;
const SELDOM_MS = 10_000;
let listener = null;
let timer = 0;

export function watchFigures(watcher) {
  listener = watcher;
  ask();
  return () => {
    listener = null;
  };
}

export async function ask() {
  clearTimeout(timer);
  try {
    if (!document.hidden) {
      const figures = await getJson("/page/figures");
      listener?.(figures);
    }
  } catch {
    // the frame says that the server is lost; the view shows what it last knew
  }
  clearTimeout(timer);
  timer = setTimeout(ask, listener ? OFTEN_MS : SELDOM_MS);
}
