import assert from "node:assert/strict";
import { test } from "node:test";

import { nextAnswer } from "./browser.mjs";

import { session } from "../../localllm/web/js/chat/session.js";
import * as store from "../../localllm/web/js/chat/store.js";

// A conversation whose answer has begun.
async function answering() {
  session.begin();
  const { id } = session.conversation;
  const done = session.send("Hello");
  const answer = await nextAnswer();
  answer.write({ choices: [{ delta: { content: "One " } }] });
  return { id, done, answer };
}

test("a conversation that is deleted while it answers does not come back", async () => {
  const { id, done } = await answering();
  await session.removeConversation(id);
  await done;
  assert.equal(await store.loadConversation(id), undefined);
  assert.deepEqual(await store.loadMessages(id), []);
  assert.notEqual(session.conversation.id, id);
});

test("nor does one that is deleted in another window", async () => {
  const { id, done, answer } = await answering();
  await store.removeConversation(id);
  answer.end();
  await done;
  assert.equal(await store.loadConversation(id), undefined);
  assert.deepEqual(await store.loadMessages(id), []);
});

test("a name that is given while a conversation answers behind another one stays", async () => {
  const { id, done, answer } = await answering();
  session.begin();
  await session.rename(id, "Given");
  await session.open(id);
  assert.equal(session.conversation.title, "Given");
  session.begin();
  answer.write({ choices: [{ delta: { content: "two" } }] });
  answer.end();
  await done;
  const kept = await store.loadConversation(id);
  const messages = await store.loadMessages(id);
  assert.equal(kept.title, "Given");
  assert.equal(kept.leaf, messages.at(-1).id);
  assert.deepEqual(messages.map((message) => message.content), ["Hello", "One two"]);
});
