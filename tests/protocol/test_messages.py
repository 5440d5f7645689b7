from __future__ import annotations

import math
from typing import Any, Final

import pytest

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import Frame, FrameReader
from spreadjobs.protocol.messages import Answer, FarError, WorkerHello, check_codec, parse
from spreadjobs.protocol.metadata import decode, encode
from worker_stub import frames as wire

HELLO: Final[dict[str, Any]] = {
    "version": 1,
    "meta": "msgpack",
    "codecs": ["pickle", "msgpack"],
    "pid": 7,
    "python": [3, 11, 7],
    "cpus": 2,
    "memory": 1 << 30,
    "page": True,
    "capture": False,
}
ERROR: Final[dict[str, Any]] = {"kind": "raised", "type": "ValueError", "message": "no", "traceback": "Trace\n"}


def said(kind: int, values: Any = None, payload: bytes = b"", meta: str = "msgpack") -> Any:
    """What the master reads in a frame of a worker."""
    return parse(Frame(kind, encode(meta, {} if values is None else values), payload, []), meta)


def results(*rows: Any, payload: bytes = b"", meta: str = "msgpack") -> list[Answer]:
    """The answers in a RESULTS frame."""
    found: list[Answer] = said(wire.RESULTS, {"results": list(rows)}, payload, meta).answers
    return found


def sent(parts: list[Any]) -> tuple[int, dict[str, Any], bytes]:
    """Kind, metadata and payload of a frame of the master."""
    (frame,) = FrameReader(1 << 40, wire.FROM_MASTER).feed(b"".join(bytes(part) for part in parts))
    return frame.kind, decode("msgpack", frame.metadata), bytes(frame.payload)


def test_the_hello_of_a_worker_is_read_whole() -> None:
    """Each field of HELLO arrives, in MessagePack whatever its later metadata will be."""
    expected = WorkerHello("msgpack", ("pickle", "msgpack"), 7, (3, 11, 7), 2, 1 << 30, True, False)
    assert said(wire.WORKER_HELLO, HELLO) == expected
    assert parse(Frame(wire.WORKER_HELLO, encode("msgpack", HELLO)), "pickle") == expected


def test_what_a_worker_does_not_know_may_be_missing() -> None:
    """Only version, meta, codecs and pid must be there; keys that nobody knows are ignored."""
    short = {"version": 1, "meta": "pickle", "codecs": [], "pid": 1, "mood": ["good"]}
    assert said(wire.WORKER_HELLO, short) == WorkerHello("pickle", (), 1, None, None, None, False, False)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("version", 2, "it speaks version 2 of the protocol; this side speaks 1"),
        ("version", None, "version None"),
        ("version", True, "version True"),
        ("meta", None, "meta is None, not text"),
        ("meta", "json", "meta is 'json', which is none of msgpack, pickle"),
        ("codecs", "pickle", "codecs is 'pickle', not a list"),
        ("codecs", ["pickle", 3], "codecs holds something that is no text"),
        ("pid", None, "pid is missing"),
        ("pid", -1, "pid is -1, not a number of 0 or more"),
        ("pid", "7" * 200, "pid is '7777"),
        ("python", 3, "python is 3, not a list"),
        ("python", [3, 11], "python is not three numbers"),
        ("cpus", 2.5, "cpus is 2.5"),
        ("memory", b"much", "memory is a bytes"),
        ("page", 1, "page is 1, not true or false"),
        ("capture", [], "capture is a list"),
    ],
)
def test_a_malformed_hello_is_told(key: str, value: object, sentence: str) -> None:
    """Each field is checked, and the sentence names it."""
    with pytest.raises(ProtocolError) as caught:
        said(wire.WORKER_HELLO, {**HELLO, key: value})
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_worker_must_know_the_codec_that_it_was_told() -> None:
    """A worker without our codec is refused, and so is metadata in pickle from a host that is not trusted."""
    hello = said(wire.WORKER_HELLO, {**HELLO, "codecs": ["msgpack"]})
    check_codec(hello, "msgpack")
    with pytest.raises(ProtocolError, match="it does not know the codec 'pickle'"):
        check_codec(hello, "pickle")
    with pytest.raises(ProtocolError, match=r"\(it knows: none\)"):
        check_codec(said(wire.WORKER_HELLO, {**HELLO, "codecs": []}), "pickle")
    with pytest.raises(ProtocolError, match="nothing but msgpack"):
        check_codec(said(wire.WORKER_HELLO, {**HELLO, "meta": "pickle"}), "msgpack")


def test_the_short_messages_are_read() -> None:
    """ACCEPTED, READY and BYE."""
    assert said(wire.ACCEPTED) == messages.Accepted()
    assert said(wire.READY, {"seconds": 1}) == messages.Ready(1.0)
    assert said(wire.BYE) == messages.Bye()


@pytest.mark.parametrize("seconds", [None, "1", -1, math.inf, math.nan, True, []])
def test_seconds_are_a_number_of_seconds(seconds: object) -> None:
    """A duration is a finite number of 0 or more."""
    with pytest.raises(ProtocolError, match="stands where seconds belong"):
        said(wire.READY, {"seconds": seconds})


def test_trouble_says_what_went_wrong_and_what_was_printed() -> None:
    """TROUBLE holds the error and the prints of the preparation."""
    trouble = said(wire.TROUBLE, {"error": ERROR, "out": b"o", "err": b"e", "out_dropped": 2, "err_dropped": 3})
    assert trouble == messages.Trouble(FarError("raised", "ValueError", "no", "Trace\n"), b"o", b"e", 5)
    assert trouble.error.summary() == "ValueError: no"
    assert FarError("exit", "SystemExit", "").summary() == "SystemExit"


@pytest.mark.parametrize("kind", [wire.TASKS, 99])
def test_a_kind_that_no_worker_sends_is_refused(kind: int) -> None:
    """What only a master says is not for the master to hear."""
    with pytest.raises(ProtocolError, match=f"kind {kind}"):
        said(kind)


@pytest.mark.parametrize("meta", ["msgpack", "pickle"])
def test_answers_share_one_payload(meta: str) -> None:
    """Each answer gets its own piece of the payload, in order; pickled rows may be tuples."""
    rows = [(1, 1, True, 2, 0, 0.5, None), (2, 3, False, 1, 0, 1, {"error": ERROR}), (4, 1, True, 0, 0, 0.0, {})]
    first, second, third = results(*rows, payload=b"abc", meta=meta)
    assert first == Answer(1, 1, b"ab", [], 0.5)
    assert second == Answer(2, 3, b"c", [], 1.0, FarError("raised", "ValueError", "no", "Trace\n"))
    assert third == Answer(4, 1, b"", [], 0.0)


def test_answers_share_the_buffers() -> None:
    """Each answer gets as many of the frame's buffers as its row says."""
    rows = [[1, 1, True, 0, 2, 0.0, None], [2, 1, True, 0, 1, 0.0, None]]
    frame = Frame(wire.RESULTS, encode("msgpack", {"results": rows}), b"", [b"a", b"b", b"c"])
    said = parse(frame, "msgpack")
    assert isinstance(said, messages.Results)
    assert [answer.buffers for answer in said.answers] == [[b"a", b"b"], [b"c"]]


def test_what_a_task_printed_comes_with_its_answer() -> None:
    """Both streams, and how much of both was dropped."""
    (answer,) = results([1, 1, True, 0, 0, 0.0, {"out": b"x", "err": b"y", "out_dropped": 1, "err_dropped": 1}])
    assert (answer.out, answer.err, answer.dropped) == (b"x", b"y", 2)


@pytest.mark.parametrize("code", [None, 3, "why"])
def test_an_exit_has_its_code(code: object) -> None:
    """What was given to sys.exit arrives."""
    (answer,) = results([1, 1, False, 0, 0, 0.0, {"error": {**ERROR, "kind": "exit", "code": code}}])
    assert answer.error is not None and answer.error.code == code


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (7, "a row of results that is not"),
        ([1, 1, True, 0, 0, 0.0], "a row of results that is not"),
        (["1", 1, True, 0, 0, 0.0, None], "'1' stands for a number"),
        ([1, -1, True, 0, 0, 0.0, None], "-1 stands for a number"),
        ([1, 1, True, True, 0, 0.0, None], "True stands for a number"),
        ([1, 1, 1, 0, 0, 0.0, None], "1 stands for true or false"),
        ([1, 1, True, 0, 0, None, None], "None stands where seconds belong"),
        ([1, 1, True, 0, 0, 0.0, []], "a list stands for a map"),
        ([1, 1, False, 0, 0, 0.0, None], "None stands for a map"),
        ([1, 1, False, 0, 0, 0.0, {}], "an error that is None, not a map"),
        ([1, 1, False, 0, 0, 0.0, {"error": {**ERROR, "kind": "sulked"}}], "an error of kind 'sulked'"),
        ([1, 1, False, 0, 0, 0.0, {"error": {**ERROR, "kind": []}}], "kind is a list, not text"),
        ([1, 1, False, 0, 0, 0.0, {"error": {**ERROR, "type": None}}], "type is None, not text"),
        ([1, 1, False, 0, 0, 0.0, {"error": {**ERROR, "traceback": 3}}], "traceback is 3, not text"),
        ([1, 1, False, 0, 0, 0.0, {"error": {**ERROR, "code": 0.5}}], "code is 0.5, neither number nor text"),
        ([1, 1, True, 0, 0, 0.0, {"out": "text"}], "out is 'text', not bytes"),
        ([1, 1, True, 0, 0, 0.0, {"err_dropped": -1}], "err_dropped is -1"),
        ([1, 1, True, 9, 0, 0.0, None], "9 bytes and 0 buffers, and the frame holds 1 and 0"),
        ([1, 1, True, 1, 1, 0.0, None], "1 bytes and 1 buffers, and the frame holds 1 and 0"),
        ([1, 1, True, 0, 0, 0.0, None], "0 bytes and 0 buffers, and the frame holds 1 and 0"),
    ],
)
def test_a_malformed_answer_is_told(row: object, sentence: str) -> None:
    """Each value of a row is checked, and the sentence says which is wrong."""
    with pytest.raises(ProtocolError) as caught:
        results(row, payload=b"p")
    assert sentence in str(caught.value)


def test_results_must_be_a_list() -> None:
    """RESULTS without its list is refused."""
    with pytest.raises(ProtocolError, match="results is None, not a list"):
        said(wire.RESULTS, {})


def test_the_master_opens_with_its_marker() -> None:
    """The first bytes are the marker line and HELLO in MessagePack."""
    data = b"".join(bytes(part) for part in messages.master_hello("pickle"))
    assert data.startswith(wire.MASTER_MARKER)
    expected = wire.MASTER_HELLO, {"version": 1, "codec": "pickle"}, b""
    assert sent([data[len(wire.MASTER_MARKER) :]]) == expected


def test_what_the_master_sends_is_what_the_page_says() -> None:
    """Each of the master's messages has the fields that docs/protocol.md names."""
    plan = {"worker": 3, "host": "ant", "frame": 1 << 32, "output": 10}
    assert sent(messages.setup("msgpack", 3, "ant", 1 << 32, 10)) == (wire.SETUP, plan, b"")
    found = sent(messages.setup("msgpack", 3, "ant", 1 << 32, 10, ("a", "b")))
    assert found == (wire.SETUP, {**plan, "path": ["a", "b"]}, b"")
    assert sent(messages.prelude("msgpack", (b"item", ()))) == (wire.PRELUDE, {}, b"item")
    function = messages.function("msgpack", b"d" * 16, (b"code", ()))
    assert sent(function) == (wire.FUNCTION, {"digest": b"d" * 16}, b"code")
    assert sent(messages.prepare("msgpack")) == (wire.PREPARE, {"compute": None}, b"")
    assert sent(messages.prepare("msgpack", b"d" * 16)) == (wire.PREPARE, {"compute": b"d" * 16}, b"")
    tasks = {"function": b"d" * 16, "tasks": [[1, 1, 2, 0], [2, 4, 3, 0]]}
    letters = [(1, 1, (b"ab", ())), (2, 4, (b"cde", ()))]
    assert sent(messages.tasks("msgpack", b"d" * 16, letters)) == (wire.TASKS, tasks, b"abcde")


def test_long_payloads_are_not_copied_and_short_ones_are_joined() -> None:
    """A frame is written in few parts, and what is large in it, payload or buffer, is one of them as it is."""
    large, array = b"x" * wire.LARGE, memoryview(bytearray(wire.LARGE))
    letters = [(number, 1, (data, ())) for number, data in enumerate([b"a", large, b"b", b"c"])]
    parts = messages.tasks("msgpack", None, [*letters, (4, 1, (b"d", [memoryview(b"e"), array]))])
    assert [len(part) < wire.LARGE for part in parts] == [True, False, True, False]
    assert parts[1] is large and parts[3] is array
    assert sent(parts)[2] == b"a" + large + b"bcd"
    assert len(messages.prelude("msgpack", (large, ()))) == 2


def test_no_part_is_empty() -> None:
    """Many tasks make metadata that is large itself, and nothing stands before it."""
    parts = messages.tasks("msgpack", None, [(number, 1, (b"\xc0", ())) for number in range(wire.LARGE)])
    parts += messages.prelude("msgpack", (b"", [memoryview(b"")]))
    assert min(map(len, parts)) > 0
    assert len(sent(parts[:-1])[1]["tasks"]) == wire.LARGE


@pytest.mark.parametrize("meta", ["msgpack", "pickle"])
@pytest.mark.parametrize(
    ("limit", "buffers"), [({"FRAME_CAP": 1100}, 0), ({"FRAME_CAP": 1200}, 1), ({"BUFFERS_MAX": 3}, 1)]
)
def test_tasks_that_fit_in_no_frame_go_in_several(
    monkeypatch: pytest.MonkeyPatch, limit: dict[str, int], buffers: int, meta: str
) -> None:
    """A worker may be given more at a time than a frame may hold; no frame is longer than the cap."""
    for name, value in limit.items():
        monkeypatch.setattr(wire, name, value)
    sealed = (b"x" * 100, [memoryview(b"y" * 50)] * buffers)
    data = b"".join(bytes(part) for part in messages.tasks(meta, None, [(n, 1, sealed) for n in range(7)]))
    found = list(FrameReader(limit.get("FRAME_CAP", 1 << 40), wire.FROM_MASTER).feed(data))
    assert len(found) > 1
    assert [row[0] for frame in found for row in decode(meta, frame.metadata)["tasks"]] == list(range(7))
    assert sum(len(frame.payload) for frame in found) == 700
    assert max(len(frame.buffers) for frame in found) <= wire.BUFFERS_MAX
