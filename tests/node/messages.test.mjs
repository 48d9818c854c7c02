// The Messages API: Anthropic's TypeScript SDK, and the Vercel AI SDK's Anthropic provider.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import Anthropic from "@anthropic-ai/sdk";
import { APICallError, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const baseURL = process.env.BASE_URL;
const apiKey = process.env.API_KEY;
const client = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ""), apiKey, maxRetries: 0 });
const user = { role: "user", content: "Tell me a story." };
const options = { model: "tiny", messages: [user], max_tokens: 8, temperature: 0 };
const weather = {
  name: "get_weather",
  description: "The weather of a city.",
  input_schema: {
    type: "object",
    properties: { city: { type: "string", maxLength: 6 } },
    required: ["city"],
    additionalProperties: false,
  },
};

test("Anthropic SDK: create and count", async () => {
  const message = await client.messages.create(options);
  assert.equal(message.stop_reason, "max_tokens");
  assert.ok(message.content[0].text);
  const { input_tokens, cache_read_input_tokens } = message.usage;
  const counted = await client.messages.countTokens({ model: "tiny", messages: [user] });
  assert.equal(counted.input_tokens, input_tokens + cache_read_input_tokens);
});

test("Anthropic SDK: the stream helper", async () => {
  const stream = client.messages.stream(options);
  let text = "";
  stream.on("text", (delta) => (text += delta));
  const message = await stream.finalMessage();
  assert.equal(message.content[0].text, text);
  assert.equal(message.usage.output_tokens, 8);
});

test("Anthropic SDK: a streamed tool call, its result, the answer", async () => {
  const forced = { ...options, max_tokens: 100, tools: [weather] };
  const tool_choice = { type: "any", disable_parallel_tool_use: true };
  const first = await client.messages.stream({ ...forced, tool_choice }).finalMessage();
  const call = first.content.find((block) => block.type === "tool_use");
  assert.equal(first.stop_reason, "tool_use");
  assert.deepEqual(Object.keys(call.input), ["city"]);
  const result = { type: "tool_result", tool_use_id: call.id, content: "Sunny." };
  const messages = [user, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
  const second = await client.messages.create({ ...options, messages, tools: [weather] });
  assert.equal(second.usage.output_tokens, 8);
});

test("Anthropic SDK: error classes", async () => {
  await assert.rejects(client.messages.create({ ...options, model: "nope" }), Anthropic.NotFoundError);
  const stranger = new Anthropic({ baseURL: client.baseURL, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.messages.create(options), Anthropic.AuthenticationError);
});

const model = createAnthropic({ baseURL, apiKey })("tiny");
const short = { model, maxOutputTokens: 8, temperature: 0, maxRetries: 0 };
const tools = {
  get_weather: tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string().max(6) }),
    execute: async () => "Sunny.",
  }),
};

test("AI SDK: generateText and streamText", async () => {
  const whole = await generateText({ ...short, prompt: "Tell me a story." });
  assert.equal(whole.finishReason, "length");
  const stream = streamText({ ...short, prompt: "Tell me a story.", onError: ({ error }) => assert.fail(error) });
  assert.ok(await stream.text);
  assert.equal((await stream.usage).outputTokens, 8);
});

test("AI SDK: a tool is called, run, and its result sent back", async () => {
  const result = streamText({
    ...short,
    maxOutputTokens: 100,
    providerOptions: { anthropic: { disableParallelToolUse: true } },
    prompt: "Weather?",
    tools,
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
    stopWhen: stepCountIs(2),
    onError: ({ error }) => assert.fail(error),
  });
  const steps = await result.steps;
  assert.equal(steps.length, 2);
  assert.equal(steps[0].finishReason, "tool-calls");
  assert.equal(typeof steps[0].toolCalls[0].input.city, "string");
  assert.ok(steps[1].text);
});

test("AI SDK: an unknown model", async () => {
  const wrong = generateText({ ...short, model: createAnthropic({ baseURL, apiKey })("nope"), prompt: "Hi" });
  await assert.rejects(wrong, (error) => {
    assert.ok(APICallError.isInstance(error), `${error}`);
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /no model "nope"/);
    return true;
  });
});
