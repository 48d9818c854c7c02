// Requests to the server, with the key where it needs one. Errors carry the sentence that the server wrote.

import { told } from "./told.js";

const KEY = "localllm.key";
let askForKey = async () => null;

export class ApiError extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function key() {
  return sessionStorage.getItem(KEY) || localStorage.getItem(KEY) || "";
}

export function keepKey(value, remember) {
  sessionStorage.setItem(KEY, value);
  if (remember) localStorage.setItem(KEY, value);
  else localStorage.removeItem(KEY);
}

export function onKeyNeeded(ask) {
  askForKey = ask;
}

// A launcher passes the key behind the #, which is never sent to a server; it is taken out of the address at once.
export function takeKeyFromAddress() {
  const found = /[#&]key=([^&]+)/.exec(location.hash);
  if (!found) return;
  keepKey(decodeURIComponent(found[1]), false);
  history.replaceState(null, "", location.pathname + "#/chat");
}

// The response, once the server has accepted the request; asks for the key where it is missing or wrong.
export async function request(path, { method = "GET", body, signal } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key()) headers.Authorization = `Bearer ${key()}`;
  const answer = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.ok) return answer;
  if (answer.status === 401 && told.needs_key) {
    await askForKey();
    return request(path, { method, body, signal });
  }
  throw await errorOf(answer);
}

async function errorOf(answer) {
  let error = {};
  try {
    error = (await answer.json()).error ?? {};
  } catch {
    // not our server: a proxy in between
  }
  return new ApiError(error.message || `${answer.status} ${answer.statusText}`, answer.status, error.code);
}

export async function getJson(path, options) {
  return (await request(path, options)).json();
}

export function postJson(path, body, options = {}) {
  return getJson(path, { method: "POST", body, ...options });
}
