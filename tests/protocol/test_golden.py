"""The bytes of every kind of frame, which must not change, and the example in docs/protocol.md, which holds them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest

from spreadjobs.protocol import messages
from spreadjobs.protocol.frames import FrameReader
from spreadjobs.protocol.messages import Accepted, Answer, Bye, FarError, Ready, Results, Trouble, WorkerHello, parse
from spreadjobs.protocol.payloads import Sealer
from worker_stub import frames as wire
from worker_stub.frames import LARGE, pack
from worker_stub.plain import pack_result
from worker_stub.small_msgpack import packb, unpackb

PAGE: Final = Path(__file__).parents[2] / "docs" / "protocol.md"

HI: Final = packb("hi")
FAIL: Final = packb("fail")
#: The pickle of bytes that are one buffer.
WHOLE: Final = bytes.fromhex("8005 8c086275696c74696e73 8c056279746573 93 97 85 52 2e")
#: The pickle of None.
NONE: Final = bytes.fromhex("80054e2e")
HELLO: Final = memoryview(b"hello")
DIGEST: Final = bytes(range(16))
ERROR: Final = {"kind": "raised", "type": "Error", "message": "no"}

#: What the master writes, and its bytes.
MASTER: Final[dict[str, tuple[list[Any], str]]] = {
    "HELLO": (
        messages.master_hello("msgpack"),
        "23737072656164 6a6f6273206d61737465720a f7530101 00000018 0000000000000000 00000000 00000000"
        "82 a776657273696f6e 01 a5636f646563 a76d73677061636b",
    ),
    "SETUP": (
        messages.setup("msgpack", 0, "local", 1 << 32, 1 << 20),
        "f7530102 0000002f 0000000000000000 00000000 00000000"
        "84 a6776f726b6572 00 a4686f7374 a56c6f63616c a56672616d65 cf0000000100000000 a66f7574707574 ce00100000",
    ),
    "PRELUDE": (
        messages.prelude("msgpack", (HI, ())),
        "f7530103 00000001 0000000000000003 00000000 00000000 80 a26869",
    ),
    "FUNCTION": (
        messages.function("msgpack", DIGEST, (packb("f"), ())),
        "f7530104 0000001a 0000000000000002 00000000 00000000"
        "81 a6646967657374 c410 000102030405060708090a0b0c0d0e0f a166",
    ),
    "PREPARE": (
        messages.prepare("msgpack"),
        "f7530105 0000000a 0000000000000000 00000000 00000000 81 a7636f6d70757465 c0",
    ),
    "TASKS": (
        messages.tasks("msgpack", None, [(0, 1, (HI, ())), (1, 1, (FAIL, ()))]),
        "f7530106 0000001c 0000000000000008 00000000 00000000"
        "82 a866756e6374696f6e c0 a57461736b73 92 9400010300 9401010500 a26869 a46661696c",
    ),
    "TASKS of one": (
        messages.tasks("msgpack", None, [(2, 1, (HI, ()))]),
        "f7530106 0000001f 0000000000000003 00000000 00000000"
        "82 a866756e6374696f6e c0 a57461736b73 91 94 ce00000002 01 ce00000003 00 a26869",
    ),
    "TASKS with a buffer": (
        messages.tasks("msgpack", None, [(0, 1, (WHOLE, [HELLO])), (1, 1, (NONE, ()))]),
        "f7530106 0000001c 000000000000001c 00000001 00000000 0000000000000005"
        "82 a866756e6374696f6e c0 a57461736b73 92 9400011801 9401010400"
        "8005 8c086275696c74696e73 8c056279746573 93 97 85 52 2e 80054e2e 68656c6c6f",
    ),
}

#: What a worker writes, its bytes, and what the master reads in them.
WORKER: Final[dict[str, tuple[list[Any], str, Any]]] = {
    "HELLO": (
        pack(wire.WORKER_HELLO, packb({"version": 1, "meta": "msgpack", "codecs": ["msgpack"], "pid": 4321})),
        "f7530110 0000002e 0000000000000000 00000000 00000000 84 a776657273696f6e 01 a46d657461"
        "a76d73677061636b a6636f64656373 91 a76d73677061636b a3706964 cd10e1",
        WorkerHello("msgpack", ("msgpack",), 4321, None, None, None, False, False),
    ),
    "ACCEPTED": (
        pack(wire.ACCEPTED, packb({})),
        "f7530111 00000001 0000000000000000 00000000 00000000 80",
        Accepted(),
    ),
    "READY": (
        pack(wire.READY, packb({"seconds": 0.25})),
        "f7530112 00000012 0000000000000000 00000000 00000000 81 a77365636f6e6473 cb3fd0000000000000",
        Ready(0.25),
    ),
    "TROUBLE": (
        pack(wire.TROUBLE, packb({"error": ERROR})),
        "f7530113 0000002a 0000000000000000 00000000 00000000 81 a56572726f72"
        "83 a46b696e64 a6726169736564 a474797065 a54572726f72 a76d657373616765 a26e6f",
        Trouble(FarError("raised", "Error", "no")),
    ),
    "RESULTS": (
        pack(wire.RESULTS, packb({"results": [[0, 1, True, 3, 0, 0.5, None]]}), [HI]),
        "f7530114 0000001a 0000000000000003 00000000 00000000"
        "81 a7726573756c7473 91 97 00 01 c3 03 00 cb3fe0000000000000 c0 a26869",
        Results([Answer(0, 1, HI, [], 0.5)]),
    ),
    "RESULTS that failed": (
        pack(wire.RESULTS, packb({"results": [[1, 1, False, 0, 0, 0.5, {"out": b"x", "error": ERROR}]]})),
        "f7530114 0000004a 0000000000000000 00000000 00000000"
        "81 a7726573756c7473 91 97 01 01 c2 00 00 cb3fe0000000000000 82 a36f7574 c40178 a56572726f72"
        "83 a46b696e64 a6726169736564 a474797065 a54572726f72 a76d657373616765 a26e6f",
        Results([Answer(1, 1, b"", [], 0.5, FarError("raised", "Error", "no"), b"x")]),
    ),
    "RESULTS at its plainest": (
        [pack_result(2, 1, HI, 0.5)],
        "f7530114 00000022 0000000000000003 00000000 00000000"
        "81 a7726573756c7473 91 97 ce00000002 01 c3 ce00000003 00 cb3fe0000000000000 c0 a26869",
        Results([Answer(2, 1, HI, [], 0.5)]),
    ),
    "RESULTS with a buffer": (
        pack(wire.RESULTS, packb({"results": [[0, 1, True, 24, 1, 0.5, None]]}), [WHOLE], [HELLO]),
        "f7530114 0000001a 0000000000000018 00000001 00000000 0000000000000005"
        "81 a7726573756c7473 91 97 00 01 c3 18 01 cb3fe0000000000000 c0"
        "8005 8c086275696c74696e73 8c056279746573 93 97 85 52 2e 68656c6c6f",
        Results([Answer(0, 1, WHOLE, [b"hello"], 0.5)]),
    ),
    "RESULTS with several buffers": (
        pack(wire.RESULTS, packb({"results": [[0, 1, True, 3, 2, 0.5, None]]}), [HI], [b"one", b""]),
        "f7530114 0000001a 0000000000000003 00000002 00000000 0000000000000003 0000000000000000"
        "81 a7726573756c7473 91 97 00 01 c3 03 02 cb3fe0000000000000 c0 a26869 6f6e65",
        Results([Answer(0, 1, HI, [b"one", b""], 0.5)]),
    ),
    "BYE": (pack(wire.BYE, packb({})), "f7530115 00000001 0000000000000000 00000000 00000000 80", Bye()),
}


#: What is left out of the page: other forms of what it shows.
NOT_SHOWN: Final = {"TASKS of one", "worker's RESULTS at its plainest", "worker's RESULTS with several buffers"}


def joined(parts: list[Any]) -> bytes:
    """All parts of a frame."""
    return b"".join(bytes(part) for part in parts)


@pytest.mark.parametrize("name", MASTER)
def test_what_the_master_writes_has_these_bytes(name: str) -> None:
    """Each message of the master, bit for bit."""
    parts, expected = MASTER[name]
    assert joined(parts) == bytes.fromhex(expected)


@pytest.mark.parametrize("name", WORKER)
def test_what_a_worker_writes_has_these_bytes(name: str) -> None:
    """Each message of a worker, bit for bit, and what it means."""
    parts, golden, message = WORKER[name]
    assert joined(parts) == bytes.fromhex(golden)
    (frame,) = FrameReader().feed(bytes.fromhex(golden))
    assert parse(frame, "msgpack") == message


def example() -> list[tuple[str, str, bytes]]:
    """The examples of the page: who writes, what is said about it, and its bytes."""
    blocks = re.findall(r"```\n([<>] .*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    pieces = re.findall(r"^([<>]) (.*)\n((?:    .*\n)+)", "".join(blocks), re.MULTILINE)
    return [(who, text, bytes.fromhex(data)) for who, text, data in pieces]


def test_the_example_of_the_page_is_true() -> None:
    """The page shows the golden bytes, every kind of frame among them."""
    written = {name: parts for name, (parts, _) in MASTER.items()} | {
        f"worker's {name}": parts for name, (parts, _, _) in WORKER.items()
    }
    ours = {joined(parts).removeprefix(wire.MASTER_MARKER) for name, parts in written.items() if name not in NOT_SHOWN}
    shown = {data for _, _, data in example()}
    assert shown == ours | {wire.MASTER_MARKER, wire.WORKER_MARKER}
    kinds = {data[3] for _, text, data in example() if "marker" not in text}
    assert kinds == wire.FROM_MASTER | wire.FROM_WORKER


def test_the_example_says_what_its_bytes_hold() -> None:
    """The name and the metadata that stand above the bytes are those in them."""
    for _, text, data in example():
        if "marker" in text:
            continue
        kind, length, _, buffers = wire.unpack_header(data, 0, wire.FROM_MASTER | wire.FROM_WORKER, 1 << 40)
        start = wire.HEADER.size + 8 * buffers
        assert text.startswith(f"{wire.KIND_NAMES[kind]} {shown(unpackb(data[start : start + length]))}")


def test_the_example_with_buffers_holds_what_is_said_of_it() -> None:
    """Its pickles are those that we write, and any Python from 3.8 on reads them."""
    assert Sealer("pickle").seal(b"x" * LARGE)[0] == WHOLE
    assert Sealer("pickle").unseal(WHOLE, [HELLO]) == b"hello"
    assert Sealer("pickle").seal(None) == (NONE, ())


def shown(value: Any) -> str:
    """A value as the page writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, bytes) and len(value) == 16:
        return f"{value[0]:02x} {value[1]:02x} ... {value[-1]:02x}"
    if isinstance(value, bytes):
        value = value.decode()
    return f'"{value}"' if isinstance(value, str) else str(value)
