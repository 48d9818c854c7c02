// The embedded model: a streamed tool call that nothing forces, the tool's result, the answer; and vectors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const baseURL = process.env.BASE_URL;
const settings = { baseURL, apiKey: "any" };
const client = new OpenAI({ ...settings, maxRetries: 0 });
const options = { model: "guide", temperature: 0 };
const question = "Show me the weather in Bern.";
const weather = { temperature: 21, wind: 12 };
const schema = (properties) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const functions = [
  { name: "send_email", description: "Send an email", parameters: schema({ address: { type: "string" } }) },
  { name: "get_weather", description: "Get the weather", parameters: schema({ city: { type: "string" } }) },
];

function assertIsAboutTheWeather(answer) {
  assert.match(answer, /21/);
  assert.match(answer, /12/);
}

test("openai-node: chat", async () => {
  const messages = [{ role: "user", content: question }];
  const tools = functions.map((each) => ({ type: "function", function: each }));
  const stream = client.chat.completions.stream({ ...options, messages, tools });
  let fragments = 0;
  stream.on("tool_calls.function.arguments.delta", () => (fragments += 1));
  const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0];
  const [call] = message.tool_calls;
  assert.equal(finish_reason, "tool_calls");
  assert.equal(call.function.name, "get_weather");
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Bern" });
  assert.ok(fragments > 1);

  messages.push(message, { role: "tool", tool_call_id: call.id, content: JSON.stringify(weather) });
  const answer = await client.chat.completions.stream({ ...options, messages, tools }).finalContent();
  assertIsAboutTheWeather(answer);
});

test("openai-node: responses", async () => {
  const input = [{ role: "user", content: question }];
  const tools = functions.map((each) => ({ type: "function", strict: true, ...each }));
  const first = await client.responses.stream({ ...options, input, tools }).finalResponse();
  const call = first.output.find((item) => item.type === "function_call");
  assert.equal(call.name, "get_weather");
  assert.deepEqual(JSON.parse(call.arguments), { city: "Bern" });

  const result = { type: "function_call_output", call_id: call.call_id, output: JSON.stringify(weather) };
  input.push(...first.output, result);
  const answer = await client.responses.stream({ ...options, input, tools }).finalResponse();
  assertIsAboutTheWeather(answer.output_text);
});

test("openai-node: embeddings", async () => {
  const input = ["The cat sleeps.", "Numbers are odd."];
  const asked = await client.embeddings.create({ model: "embedder", input }); // the SDK asks for base64
  const floats = await client.embeddings.create({ model: "embedder", input, encoding_format: "float" });
  asked.data.forEach((one, i) => {
    assert.equal(one.embedding.length, floats.data[i].embedding.length);
    one.embedding.forEach((value, j) => assert.ok(Math.abs(value - floats.data[i].embedding[j]) < 1e-4));
  });
  assert.notDeepEqual(asked.data[0].embedding, asked.data[1].embedding);
});

const compatible = createOpenAICompatible({ name: "localllm", ...settings });
const models = {
  "openai-compatible": compatible("guide"),
  "openai chat": createOpenAI(settings).chat("guide"),
  "openai responses": createOpenAI(settings)("guide"),
  anthropic: createAnthropic(settings)("guide"),
};
for (const [name, model] of Object.entries(models)) {
  test(`AI SDK, ${name}`, async () => {
    const result = streamText({
      model,
      prompt: question,
      temperature: 0,
      maxRetries: 0,
      stopWhen: stepCountIs(3),
      tools: {
        send_email: tool({
          description: "Send an email",
          inputSchema: z.object({ address: z.string() }),
          execute: () => assert.fail("The wrong tool was called."),
        }),
        get_weather: tool({
          description: "Get the weather",
          inputSchema: z.object({ city: z.string() }),
          execute: async ({ city }) => (city === "Bern" ? weather : assert.fail(city)),
        }),
      },
      onError: ({ error }) => assert.fail(error),
    });
    const types = [];
    for await (const part of result.fullStream) types.push(part.type);
    const steps = await result.steps;
    assert.ok(types.filter((type) => type === "tool-input-delta").length > 1);
    assert.deepEqual(steps.map((step) => step.finishReason), ["tool-calls", "stop"]);
    assert.deepEqual(steps[0].toolResults.map((one) => one.output), [weather]);
    assertIsAboutTheWeather(await result.text);
  });
}

test("AI SDK: embeddings", async () => {
  const model = compatible.embeddingModel("embedder");
  const { embeddings } = await embedMany({ model, values: ["The cat sleeps.", "Numbers are odd."] });
  assert.equal(embeddings.length, 2);
  assert.ok(embeddings[0].length > 1);
  assert.notDeepEqual(embeddings[0], embeddings[1]);
});
