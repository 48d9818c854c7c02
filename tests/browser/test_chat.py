"""What can be done with a conversation, against models that say what the test wants."""

from __future__ import annotations

import json
import struct
import zlib
from threading import Event

import msgspec

from localllm import errors
from tests.api.fakes import say

MARKDOWN = (
    "# Title\n\nSome **bold** text.\n\n```python\nprint('hi')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)
EVIL = (
    '<img src=x onerror="document.title=1"> <script>document.title=2</script> ![p](http://evil.example/p.png)'
)


def png() -> bytes:
    """A picture of one grey pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00\x80"))
        + chunk(b"IEND", b"")
    )


def prompts(scripted) -> list[str]:
    return [str(submit.prompt) for submit in scripted.engine.submits]


def test_an_answer_can_be_stopped_and_continued(scripted, visit):
    """The engine's stream is cancelled; what came stays, and going on begins where it stopped."""
    never = Event()
    scripted.engine.script = lambda prompt, params: ["Once upon", never, " a time."]
    opened = visit(scripted.url)
    opened.ask("Tell me a story")
    opened.page.get_by_text("Once upon").wait_for()
    opened.page.get_by_role("button", name="Stop").click()
    assert scripted.engine.wait_for_stream().was_cancelled.wait(30)
    assert "Once upon" in opened.wait_for_answer()
    scripted.engine.script = say(" a midnight dreary.")
    opened.page.get_by_role("button", name="Continue").click()
    opened.page.get_by_text("Once upon a midnight dreary.").wait_for()
    assert prompts(scripted)[-1].rstrip().endswith("Once upon")
    never.set()


def test_a_second_answer_stands_beside_the_first(scripted, visit):
    """Nothing is lost by asking again, and both can be looked at."""
    answers = iter(["First.", "Second."])
    scripted.engine.script = lambda prompt, params: [next(answers)]
    opened = visit(scripted.url)
    opened.ask("Say something")
    opened.wait_for_answer()
    opened.page.get_by_role("button", name="Answer again").click()
    opened.page.get_by_text("Second.").wait_for()
    opened.page.get_by_role("button", name="Earlier version").click()
    opened.page.get_by_text("First.").wait_for()
    opened.page.reload()
    opened.page.get_by_text("First.").wait_for()


def test_a_question_can_be_put_in_other_words(scripted, visit):
    """The new one is a version beside the old one; the model never sees the old one."""
    opened = visit(scripted.url)
    opened.ask("What is the wether?")
    opened.wait_for_answer()
    opened.page.locator(".message.user").hover()
    opened.page.get_by_role("button", name="Edit").click()
    opened.page.locator(".editor textarea").fill("What is the weather?")
    opened.page.locator(".editor").get_by_role("button", name="Send").click()
    opened.page.locator(".message.user").get_by_text("weather").wait_for()
    opened.wait_for_answer()
    assert "weather" in prompts(scripted)[-1]
    assert "wether" not in prompts(scripted)[-1]
    assert opened.page.get_by_text("2/2").count() == 1


def test_markdown_is_shown_and_what_models_write_is_harmless(scripted, visit):
    """Headings, code with colours and a button to copy it, tables; a script of the model's is text."""
    scripted.engine.script = say(MARKDOWN, "\n", EVIL)
    opened = visit(scripted.url)
    opened.ask("Show me")
    opened.wait_for_answer()
    body = opened.page.locator(".message.assistant .markdown")
    assert body.locator("h1").inner_text() == "Title"
    assert body.locator("pre .tok-nb").inner_text() == "print"
    assert body.locator("td").count() == 2
    assert body.locator("img, script").count() == 0
    assert body.get_by_role("button", name="Copy").count() == 1
    assert opened.page.title().startswith("Show me")


def test_thoughts_are_folded_and_calls_are_shown(scripted, visit):
    """Reasoning stays out of sight until asked for; a call has its name and arguments, and takes a result."""
    call = '<tool_call>{"name": "get_weather", "arguments": {"city": "Bern"}}</tool_call>'
    turns = iter([["<think>", "let me see", "</think>", call], ["It is sunny."]])
    scripted.engine.script = lambda prompt, params: list(next(turns))
    opened = visit(scripted.url)
    opened.page.get_by_role("button", name="Conversation settings").click()
    tools = [
        {"name": "get_weather", "description": "Weather", "parameters": {"type": "object", "properties": {}}}
    ]
    opened.page.get_by_label("Tools").fill(json.dumps(tools))
    opened.page.get_by_label("System prompt").fill("You are brief.")
    opened.page.get_by_label("temperature").fill("0.5")
    opened.page.get_by_role("button", name="Close").click()
    opened.ask("Weather?")
    opened.page.locator(".call code").get_by_text("get_weather").wait_for()
    opened.page.get_by_label("Result of get_weather").fill("sunny")
    assert not opened.page.get_by_text("let me see").is_visible()
    opened.page.locator(".thought summary").click()
    assert opened.page.get_by_text("let me see").is_visible()
    opened.page.get_by_role("button", name="Send the result").click()
    opened.page.get_by_text("It is sunny.").wait_for()
    assert "You are brief." in prompts(scripted)[-1]
    assert "sunny" in prompts(scripted)[-1]
    assert scripted.engine.submits[-1].params.temperature == 0.5


def test_an_engines_death_leads_to_its_log(scripted, visit):
    """Among the errors of the status view, where somebody looks on the day that something is wrong."""
    scripted.models.paths.logs.mkdir(parents=True)
    (scripted.models.paths.logs / "engine-guide.log").write_text("GGML_ASSERT: no\n", encoding="utf-8")
    dead = errors.EngineDied("The engine of 'guide' has died; it is started again for the next request.")
    scripted.engine.script = lambda prompt, params: [dead]
    opened = visit(scripted.url)
    opened.ask("Hello")
    opened.page.locator(".message .problem").wait_for()
    opened.page.goto(f"{scripted.url}/#/status")
    row = opened.page.locator(".errors li").filter(has_text="The engine of 'guide' has died").first
    row.get_by_role("button", name="guide").click()
    opened.page.locator("pre.log").get_by_text("GGML_ASSERT: no").wait_for()


def test_what_goes_wrong_is_said_in_words(scripted, visit):
    """An engine that dies in the middle: the words that came stay, with the reason under them."""
    scripted.engine.script = lambda prompt, params: [
        "Half an ans",
        errors.EngineDied("The engine died of a test."),
    ]
    opened = visit(scripted.url)
    opened.ask("Hello")
    opened.page.get_by_text("The engine died of a test.").wait_for()
    assert opened.page.get_by_text("Half an ans").is_visible()
    opened.page.goto(f"{scripted.url}/#/status")
    opened.page.locator(".errors").get_by_text("The engine died of a test.").first.wait_for()


def test_a_conversation_that_outgrows_the_context_goes_on_and_says_so(scripted, visit):
    """Its oldest turns are left out, and a line above the answer says that the model did not see them."""
    scripted.engine.fake_info = msgspec.structs.replace(scripted.engine.fake_info, n_ctx=400)
    opened = visit(scripted.url)
    line = opened.page.get_by_text("the model did not see the oldest messages (2)")
    for number in (1, 2):
        assert not line.is_visible()
        opened.ask(f"{number} {'word ' * 30}")
        opened.wait_for_answer(number)
    line.wait_for()
    opened.page.reload()
    line.wait_for()


def test_conversations_leave_as_files_and_come_back(scripted, visit, tmp_path):
    """JSON with everything, Markdown for people; a file that is read back is a conversation again."""
    scripted.engine.script = say("An answer.")
    opened = visit(scripted.url)
    opened.ask("A question")
    opened.wait_for_answer()
    opened.page.get_by_role("button", name="Conversation settings").click()
    saved = {}
    for name in ("JSON", "Markdown"):
        with opened.page.expect_download() as download:
            opened.page.get_by_role("button", name=name).click()
        saved[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[name])
    assert saved["Markdown"].read_text(encoding="utf-8").count("An answer.") == 1
    opened.page.get_by_role("button", name="Close").click()
    opened.page.locator(".history input[type=file]").set_input_files(saved["JSON"])
    opened.page.locator(".history-list li").nth(1).wait_for()
    assert opened.wait_for_answer() == "An answer."


def test_a_picture_can_be_attached_only_where_the_model_sees(scripted, visit):
    """The button is there with a model that sees, and the request carries the picture."""
    opened = visit(scripted.url)
    assert opened.page.get_by_role("button", name="Attach a picture").count() == 0

    def with_eyes(route):
        body = route.fetch().json()
        for model in body["models"]:
            model["sees_images"] = True
        route.fulfill(json=body)

    opened.page.route("**/page/state", with_eyes)
    opened.page.get_by_role("button", name="Attach a picture").wait_for()
    picture = {"name": "dot.png", "mimeType": "image/png", "buffer": png()}
    opened.page.locator(".composer input[type=file]").set_input_files(picture)
    opened.page.locator(".picture-box img").wait_for()
    with opened.page.expect_request("**/v1/chat/completions") as asked:
        opened.ask("What is this?")
    content = asked.value.post_data_json["messages"][0]["content"]
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,")
