import assert from "node:assert/strict";
import { test } from "node:test";

import { applyChunk, chatRequest, parseTools } from "../../localllm/web/js/chat/request.js";
import { asJson, asMarkdown, readConversation } from "../../localllm/web/js/chat/transfer.js";
import { Tree } from "../../localllm/web/js/chat/tree.js";
import { snippets } from "../../localllm/web/js/connect/snippets.js";
import { SseReader } from "../../localllm/web/js/sse.js";

test("a stream is read the same however it is split", () => {
  const text = ': loading 40%\n\ndata: {"a": "ü\\n"}\n\ndata: [DONE]\r\n\r\n';
  const whole = new SseReader().feed(text);
  assert.deepEqual(whole, [{ comment: "loading 40%" }, { data: '{"a": "ü\\n"}' }, { data: "[DONE]" }]);
  for (let i = 0; i <= text.length; i += 1) {
    for (let k = i; k <= text.length; k += 1) {
      const reader = new SseReader();
      const parts = [text.slice(0, i), text.slice(i, k), text.slice(k)].flatMap((part) => reader.feed(part));
      assert.deepEqual(parts, whole);
    }
  }
});

test("an edited question and a second answer stand beside the first ones", () => {
  const tree = new Tree();
  tree.add({ id: "q" });
  tree.add({ id: "a1" });
  tree.leaf = "q";
  tree.add({ id: "a2" });
  tree.add({ id: "q2" }, null);
  const path = () => tree.path().map((message) => message.id);
  assert.deepEqual(path(), ["q2"]);
  assert.deepEqual(tree.siblings("q2"), ["q", "q2"]);
  tree.select("q");
  assert.deepEqual(path(), ["q", "a2"]);
  tree.select("a1");
  assert.deepEqual(path(), ["q", "a1"]);
  assert.deepEqual(new Tree(tree.messages, "a1").path().map((message) => message.id), ["q", "a1"]);
});

test("what is deleted is gone with all that follows, and a sibling is shown", () => {
  const tree = new Tree([{ id: "q" }, { id: "a1", parent: "q" }, { id: "q2", parent: "a1" }, { id: "a2", parent: "q" }], "q2");
  assert.deepEqual(tree.remove("a1").sort(), ["a1", "q2"]);
  assert.deepEqual(tree.path().map((message) => message.id), ["q", "a2"]);
  tree.remove("q");
  assert.deepEqual(tree.path(), []);
});

test("a request says only what the person chose", () => {
  const conversation = { system: " ", sampling: { temperature: 0, top_k: null, seed: "" }, tools: '[{"name": "f"}]' };
  const path = [{ role: "user", content: "Hi" }, { role: "assistant", content: "" }];
  const body = chatRequest(conversation, path, "guide");
  assert.deepEqual(body.messages, [{ role: "user", content: "Hi" }]);
  assert.deepEqual(body.tools, [{ type: "function", function: { name: "f" } }]);
  assert.equal(body.temperature, 0);
  assert.equal(body.truncation, "auto"); // a person cannot make a conversation shorter
  assert.ok(!("top_k" in body) && !("seed" in body));
  assert.throws(() => parseTools('{"name": "f"}'), SyntaxError);
});

test("chunks become a message: text, thoughts, calls, figures", () => {
  const message = { content: "" };
  const deltas = [{ role: "assistant", content: "" }, { reasoning_content: "hm" }, { content: "Hel" }, { content: "lo" },
    { tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: "" } }] }, { tool_calls: [{ index: 0, function: { arguments: "{}" } }] }];
  for (const delta of deltas) applyChunk(message, { choices: [{ delta, finish_reason: null }] });
  applyChunk(message, { choices: [{ delta: {}, finish_reason: "tool_calls" }] });
  applyChunk(message, { choices: [], usage: { total_tokens: 7 } });
  assert.deepEqual(message, { content: "Hello", reasoning: "hm", finish: "tool_calls", usage: { total_tokens: 7 },
    tool_calls: [{ id: "c1", function: { name: "f", arguments: "{}" } }] });
});

test("that messages were left out is known from any chunk", () => {
  const message = { content: "" };
  applyChunk(message, { choices: [{ delta: {}, finish_reason: "stop" }], truncated_messages: 4 });
  applyChunk(message, { choices: [], usage: { total_tokens: 7 } });
  assert.equal(message.unseen, 4);
});

test("a file of conversations is read field by field, and never over another", () => {
  const messages = [{ id: "1", role: "user", content: "Q", order: 1 },
    { id: "2", parent: "1", role: "assistant", content: "A", evil: "<script>", tool_calls: [{ id: 1, function: { name: "f", arguments: "{}" } }] },
    { id: "3", parent: "2", role: "system", content: "no" }];
  const written = JSON.parse(asJson([{ id: "c", title: "T", leaf: "2", sampling: { top_p: 0.5, x: "y" }, messages }]));
  const { conversation, messages: read } = readConversation(written.conversations[0]);
  assert.notEqual(conversation.id, "c");
  assert.equal(conversation.leaf, read[1].id);
  assert.equal(read[1].parent, read[0].id);
  assert.deepEqual(conversation.sampling, { top_p: 0.5 });
  assert.equal(read.length, 2);
  assert.ok(!("evil" in read[1]));
  assert.match(asMarkdown(conversation, read), /^# T\n\n## .*\n\nQ\n\n/);
});

test("a container is told of a name for localhost, and of what Docker on Linux needs besides", () => {
  const webui = (origin) => JSON.stringify(snippets({ origin, key: "", model: "m" }).find(({ id }) => id === "open-webui").fields);
  for (const origin of ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"]) {
    assert.ok(webui(origin).includes("http://host.docker.internal:1/v1"), origin);
    assert.ok(webui(origin).includes("--add-host=host.docker.internal:host-gateway"), origin);
    assert.ok(webui(origin).includes("localllm serve --host"), origin);
  }
  assert.ok(!webui("http://192.168.1.5:1").includes("docker"));
});

test("snippets carry address, key and model, and no key where there is none", () => {
  for (const { text, fields, id } of snippets({ origin: "http://h:1", key: "", model: "m" })) {
    const all = text ?? JSON.stringify(fields);
    assert.ok(all.includes("http://h:1"), id);
    assert.ok(!all.includes("Authorization"), id);
  }
  const [curl] = snippets({ origin: "http://h:1", key: "sk", model: "m" });
  assert.ok(curl.text.includes("-H 'Authorization: Bearer sk'"));
});
