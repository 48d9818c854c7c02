// The Responses API: openai-node's client and helper, and the Vercel AI SDK's default OpenAI provider.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const settings = { baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY };
const client = new OpenAI({ ...settings, maxRetries: 0 });
const options = { model: "tiny", input: "Tell me a story.", max_output_tokens: 8, temperature: 0 };
const weather = {
  type: "function",
  name: "get_weather",
  description: "The weather of a city.",
  strict: true,
  parameters: {
    type: "object",
    properties: { city: { type: "string", maxLength: 6 } },
    required: ["city"],
    additionalProperties: false,
  },
};

test("openai-node: create", async () => {
  const response = await client.responses.create(options);
  assert.ok(response.output_text);
  assert.equal(response.status, "incomplete");
  assert.equal(response.usage.output_tokens, 8);
});

test("openai-node: the stream helper", async () => {
  const whole = await client.responses.create(options);
  const stream = client.responses.stream(options);
  let text = "";
  stream.on("response.output_text.delta", (event) => (text += event.delta));
  const final = await stream.finalResponse();
  assert.equal(text, whole.output_text);
  assert.equal(final.output[0].content[0].text, text);
});

test("openai-node: a streamed tool call, its result, the answer", async () => {
  const forced = { ...options, max_output_tokens: 100, tools: [weather], tool_choice: "required" };
  const first = await client.responses.stream({ ...forced, parallel_tool_calls: false }).finalResponse();
  const call = first.output.find((item) => item.type === "function_call");
  assert.deepEqual(Object.keys(JSON.parse(call.arguments)), ["city"]);
  const result = { type: "function_call_output", call_id: call.call_id, output: "Sunny." };
  const input = [{ role: "user", content: "Weather?" }, ...first.output, result];
  const second = await client.responses.create({ ...options, input, tools: [weather] });
  assert.equal(second.usage.output_tokens, 8);
});

test("openai-node: a wrong request", async () => {
  const wrong = client.responses.create({ ...options, previous_response_id: "resp_1" });
  await assert.rejects(wrong, (error) => error instanceof OpenAI.BadRequestError && error.code === "unsupported_parameter");
});

const model = createOpenAI(settings)("tiny");
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
  assert.equal(whole.usage.outputTokens, 8);
  const stream = streamText({ ...short, prompt: "Tell me a story.", onError: ({ error }) => assert.fail(error) });
  let text = "";
  for await (const part of stream.textStream) text += part;
  assert.equal(text, whole.text);
});

test("AI SDK: a conversation goes on, though it sends earlier texts by their id alone", async () => {
  const messages = [{ role: "user", content: "Tell me a story." }];
  const first = await generateText({ ...short, messages });
  messages.push(...first.response.messages, { role: "user", content: "And then?" });
  const second = await generateText({ ...short, messages });
  assert.match(second.request.body.input ? JSON.stringify(second.request.body) : second.request.body, /item_reference/);
  assert.ok(second.usage.inputTokens > first.usage.inputTokens + 8);
});

test("AI SDK: a tool is called, run, and its result sent back", async () => {
  const result = streamText({
    ...short,
    maxOutputTokens: 100,
    providerOptions: { openai: { parallelToolCalls: false } },
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
  assert.equal(steps[0].toolResults[0].output, "Sunny.");
  assert.ok(steps[1].text);
});

test("AI SDK: an object of a schema", async () => {
  const schema = z.object({ isWarm: z.boolean(), days: z.number().int() });
  const { object } = await generateObject({ ...short, maxOutputTokens: 100, prompt: "Weather?", schema });
  assert.equal(typeof object.isWarm, "boolean");
});

test("AI SDK: an unknown model", async () => {
  const wrong = generateText({ ...short, model: createOpenAI(settings)("nope"), prompt: "Hi" });
  await assert.rejects(wrong, (error) => APICallError.isInstance(error) && error.statusCode === 404);
});
