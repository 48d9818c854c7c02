// Light, dark, or as the system has it.

const KEY = "localllm.theme";
export const THEMES = ["auto", "light", "dark"];

export function theme() {
  const stored = localStorage.getItem(KEY);
  return THEMES.includes(stored) ? stored : "auto";
}

export function applyTheme(chosen = theme()) {
  localStorage.setItem(KEY, chosen);
  document.documentElement.dataset.theme = chosen;
}
