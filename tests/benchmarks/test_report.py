"""The benchmark's figures, tables and streaming client, without a server worth measuring."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest

from benchmarks import report
from benchmarks.client import Client, MeasurementFailed, together, user
from benchmarks.report import OURS, PEER, Results, Row


def two_rounds() -> Results:
    results = Results([OURS, PEER])
    results.add(OURS, 0, {"A decode": 50.0, "D longest gap": 0.2})
    results.add(PEER, 0, {"A decode": 40.0, "D longest gap": 10.0})
    results.add(OURS, 1, {"A decode": 44.0})
    results.add(PEER, 1, {"A decode": 40.0})
    return results


def test_ratios_are_taken_within_a_round_even_when_one_round_failed_on_one_server():
    """A lost round must not pair one round's figure with another round's."""
    results = Results([OURS, PEER])
    results.add(PEER, 0, {"A decode": 10.0})
    results.add(OURS, 1, {"A decode": 60.0})
    results.add(PEER, 1, {"A decode": 30.0})
    assert results.ratios("A decode") == [2.0]


def test_the_table_shows_median_and_spread_and_says_which_bar_is_missed():
    """A row is met only when the ratio and the absolute limit both hold."""
    text = report.table(two_rounds())
    assert (
        "| A one stream, decode | tok/s | 47 (44 – 50) | 40 (40 – 40) | 1.18 (1.1 – 1.25) | ≥ 1 × | met |"
        in text
    )
    results = two_rounds()
    results.add(OURS, 2, {"D longest gap": 5.0})
    assert "**missed**" in report.table(results)


@pytest.mark.parametrize(
    ("ours", "ratio", "is_met"), [(0.9, 0.04, True), (1.1, 0.04, False), (0.9, math.nan, False)]
)
def test_a_figure_that_is_missing_never_meets_a_bar(ours: float, ratio: float, is_met: bool):
    """Both parts of a bar are asked for, and NaN is no pass."""
    assert Row("C four", "", "s", ratio=0.05, limit=1.0).is_met(ours, ratio) is is_met


def test_the_chart_is_valid_xml_with_one_bar_per_compared_figure():
    """Browsers refuse a broken SVG silently."""
    root = ElementTree.fromstring(report.chart(two_rounds()))
    bars = [box for box in root.iter("{http://www.w3.org/2000/svg}rect") if box.get("height") == "17"]
    assert len(bars) == 2


class FakeServer(BaseHTTPRequestHandler):
    """Streams as many pieces as asked for, or one too few for the model "short"."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        count = body["max_tokens"] - (body["model"] == "short")
        self.send_response(200)
        self.end_headers()
        for _ in range(count):
            self.say({"choices": [{"delta": {"content": "x"}, "finish_reason": None}]})
        self.say({"choices": [{"delta": {}, "finish_reason": "length"}]})
        self.say({"choices": [], "usage": {"completion_tokens": count}})
        self.wfile.write(b"data: [DONE]\n\n")

    def say(self, chunk: object) -> None:
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_the_client_counts_what_the_server_says_and_joins_the_text(port: int):
    """Tokens come from `usage`, times from the pieces that carried text."""
    answer = Client("127.0.0.1", port).ask(user("hello"), 5)
    assert (answer.text, answer.num_tokens, len(answer.times)) == ("xxxxx", 5, 5)
    assert answer.started < answer.times[0]


def test_an_answer_with_too_few_tokens_is_a_failed_measurement(port: int):
    """A server that cuts a stream must not look fast."""
    with pytest.raises(MeasurementFailed, match="asked for 5 tokens, got 4"):
        Client("127.0.0.1", port, "short").ask(user("hello"), 5)


def test_one_failed_stream_fails_all_that_were_asked_together(port: int):
    """An aggregate rate of seven streams is not the rate of eight."""
    good, bad = Client("127.0.0.1", port), Client("127.0.0.1", port, "short")
    with pytest.raises(MeasurementFailed):
        together([lambda: good.ask(user("a"), 3), lambda: bad.ask(user("a"), 3)])
