// openai-node doing its ordinary job: create, stream, the helpers, models, error classes.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me a story." }];
const options = { model: "tiny", messages, max_tokens: 8, temperature: 0 };
const tool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string", maxLength: 6 } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

test("create", async () => {
  const completion = await client.chat.completions.create(options);
  assert.equal(completion.choices[0].finish_reason, "length");
  assert.equal(completion.usage.completion_tokens, 8);
  assert.ok(completion.choices[0].message.content);
  assert.match(completion._request_id, /^req_/);
});

test("stream", async () => {
  const whole = await client.chat.completions.create(options);
  const stream = await client.chat.completions.create({
    ...options,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, 8);
});

test("the stream helper", async () => {
  const stream = client.chat.completions.stream({ ...options, stream_options: { include_usage: true } });
  const deltas = [];
  stream.on("content", (delta) => deltas.push(delta));
  const completion = await stream.finalChatCompletion();
  assert.equal(completion.choices[0].message.content, deltas.join(""));
  assert.equal(completion.choices[0].message.role, "assistant");
  assert.equal(completion.usage.completion_tokens, 8);
});

test("the stream helper with a tool call", async () => {
  const stream = client.chat.completions.stream({
    ...options,
    max_tokens: 100,
    tools: [tool],
    tool_choice: "required",
    parallel_tool_calls: false,
  });
  const completion = await stream.finalChatCompletion();
  const [call] = completion.choices[0].message.tool_calls;
  assert.equal(completion.choices[0].finish_reason, "tool_calls");
  assert.equal(call.function.name, "get_weather");
  assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["city"]);
});

test("completions", async () => {
  const completion = await client.completions.create({ model: "tiny", prompt: "Once", max_tokens: 8 });
  assert.equal(completion.object, "text_completion");
  assert.ok(completion.choices[0].text);
});

test("models", async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["tiny"]);
  assert.equal((await client.models.retrieve("tiny")).id, "tiny");
});

test("a stream that is aborted", async () => {
  const stream = await client.chat.completions.create({ ...options, max_tokens: null, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) break;
  }
  const completion = await client.chat.completions.create(options);
  assert.equal(completion.usage.completion_tokens, 8);
});

const wrong = [
  [{ model: "nope" }, OpenAI.NotFoundError, "model_not_found", "model"],
  [{ temperature: "hot" }, OpenAI.BadRequestError, "invalid_type", "temperature"],
  [
    { messages: [{ role: "user", content: "word ".repeat(8000) }] },
    OpenAI.BadRequestError,
    "context_length_exceeded",
    "messages",
  ],
];
for (const [changes, errorClass, code, param] of wrong) {
  for (const stream of [true, false]) {
    test(`${code}, stream: ${stream}`, async () => {
      await assert.rejects(client.chat.completions.create({ ...options, ...changes, stream }), (error) => {
        assert.ok(error instanceof errorClass, `${error}`);
        assert.equal(error.code, code);
        assert.equal(error.param, param);
        return true;
      });
    });
  }
}

test("a wrong key", async () => {
  const stranger = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});
