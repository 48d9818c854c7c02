// As much of a browser as a conversation needs: storage, IndexedDB, and a server whose answers a test writes.
// To be imported before the page's modules, which ask for some of it while they are loaded.

const asked = []; // the answers that are being written, newest last
const waiting = []; // tests that wait for the next one
let turn = Promise.resolve(); // IndexedDB's transactions run one after the other

class Transaction {
  #requests = [];

  constructor(stores) {
    this.stores = stores;
    turn = turn.then(() => this.#run());
  }

  async #run() {
    for (let next = this.#requests.shift(); next; next = this.#requests.shift()) {
      next.request.result = next.work();
      next.request.onsuccess?.({ target: next.request });
    }
    this.oncomplete?.();
  }

  #ask(work) {
    const request = {};
    this.#requests.push({ request, work });
    return request;
  }

  objectStore(name) {
    const rows = this.stores.get(name);
    const copies = (found) => found.map((row) => structuredClone(row));
    const of = (field, value) => [...rows.values()].filter((row) => row[field] === value);
    return {
      put: (row) => this.#ask(() => rows.set(row.id, structuredClone(row))),
      get: (id) => this.#ask(() => structuredClone(rows.get(id))),
      getAll: () => this.#ask(() => copies([...rows.values()])),
      delete: (id) => this.#ask(() => rows.delete(id)),
      index: (field) => ({
        getAll: (value) => this.#ask(() => copies(of(field, value))),
        getAllKeys: (value) => this.#ask(() => of(field, value).map((row) => row.id)),
      }),
    };
  }
}

function openDatabase() {
  const stores = new Map();
  const createObjectStore = (name) => {
    stores.set(name, new Map());
    return { createIndex() {} };
  };
  const request = { result: { createObjectStore, transaction: () => new Transaction(stores) } };
  queueMicrotask(() => {
    request.onupgradeneeded();
    request.onsuccess();
  });
  return request;
}

// One answer of the server; `write` sends a chunk of it, `end` is its end.
class Answer {
  constructor({ body, signal }) {
    this.request = JSON.parse(body);
    this.stream = new ReadableStream({ start: (controller) => { this.controller = controller; } });
    signal.addEventListener("abort", () => this.controller.error(signal.reason));
  }

  write(chunk) {
    this.controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(chunk)}\n\n`));
  }

  end() {
    this.write({ choices: [{ delta: {}, finish_reason: "stop" }] });
    this.controller.close();
  }
}

async function fetch(path, options) {
  if (path !== "/v1/chat/completions") return new Promise(() => {}); // nothing here is about the rest
  options.signal.throwIfAborted();
  const answer = new Answer(options);
  asked.push(answer);
  waiting.shift()?.();
  return new Response(answer.stream);
}

// The answer that the page has asked for.
export async function nextAnswer() {
  if (!asked.length) await new Promise((resolve) => waiting.push(resolve));
  return asked.pop();
}

class Storage extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }

  setItem(key, value) {
    this.set(key, String(value));
  }
}

const page = {
  document: { hidden: false, querySelector: () => ({ content: '{"needs_key": false}' }) },
  indexedDB: { open: openDatabase },
  localStorage: new Storage(),
  sessionStorage: new Storage(),
  requestAnimationFrame: (run) => queueMicrotask(run),
  fetch,
};
for (const [name, value] of Object.entries(page)) Object.defineProperty(globalThis, name, { value, configurable: true });
