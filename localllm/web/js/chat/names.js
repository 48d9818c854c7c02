// Ids, and a conversation's title from its first words.

const MAX_TITLE_CHARS = 60;

export function newId() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export function titleOf(text) {
  const line = text.trim().split("\n")[0].trim();
  return line.length > MAX_TITLE_CHARS ? `${line.slice(0, MAX_TITLE_CHARS).trim()}…` : line;
}
