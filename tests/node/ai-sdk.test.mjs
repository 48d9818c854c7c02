// The Vercel AI SDK with both of its OpenAI providers: text, streams, tools, objects, errors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateObject, generateText, streamText, tool } from "ai";
import { z } from "zod";

const settings = { baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY };
const models = {
  "openai-compatible": createOpenAICompatible({ name: "localllm", includeUsage: true, ...settings })("tiny"),
  "openai chat": createOpenAI(settings).chat("tiny"),
};
const prompt = "Tell me a story.";
const short = { prompt, maxOutputTokens: 8, temperature: 0, maxRetries: 0 };
const tools = {
  get_weather: tool({
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string().max(6) }),
  }),
};

for (const [name, model] of Object.entries(models)) {
  test(`${name}: generateText`, async () => {
    const result = await generateText({ model, ...short });
    assert.ok(result.text);
    assert.equal(result.finishReason, "length");
    assert.equal(result.usage.outputTokens, 8);
  });

  test(`${name}: streamText`, async () => {
    const result = streamText({ model, ...short, onError: ({ error }) => assert.fail(error) });
    let text = "";
    for await (const part of result.textStream) text += part;
    assert.equal(text, (await generateText({ model, ...short })).text);
    assert.equal(await result.finishReason, "length");
    assert.equal((await result.usage).outputTokens, 8);
  });

  test(`${name}: a streamed tool call`, async () => {
    const one = { openai: { parallelToolCalls: false }, localllm: { parallel_tool_calls: false } };
    const forced = { tools, toolChoice: "required", providerOptions: one };
    const result = streamText({ model, ...short, ...forced, maxOutputTokens: 100 });
    const calls = await result.toolCalls;
    assert.ok(calls.length > 0);
    assert.equal(calls[0].toolName, "get_weather");
    assert.equal(typeof calls[0].input.city, "string");
    assert.equal(await result.finishReason, "tool-calls");
  });

  test(`${name}: an unknown model`, async () => {
    const provider = name === "openai chat" ? createOpenAI(settings).chat : createOpenAICompatible({ name: "x", ...settings });
    await assert.rejects(generateText({ model: provider("nope"), ...short }), (error) => {
      assert.ok(APICallError.isInstance(error), `${error}`);
      assert.equal(error.statusCode, 404);
      assert.match(error.message, /no model "nope"/);
      return true;
    });
  });
}

test("an object of a schema", async () => {
  const schema = z.object({ isWarm: z.boolean(), days: z.number().int() });
  const { object } = await generateObject({ model: models["openai chat"], ...short, maxOutputTokens: 100, schema });
  assert.equal(typeof object.isWarm, "boolean");
});
