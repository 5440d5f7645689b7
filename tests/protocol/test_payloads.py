from __future__ import annotations

import pickle
import sys
import threading
from typing import Any

import pytest

from spreadjobs.protocol.payloads import CODECS, Sealer, SealError


class Rude:
    """Raises what it is told to, when it is pickled or unpickled."""

    def __init__(self, raises: BaseException, when: str) -> None:
        self.raises = raises
        self.when = when

    def __getstate__(self) -> Any:
        if self.when == "sealed":
            raise self.raises
        return self.raises

    def __setstate__(self, state: BaseException) -> None:
        raise state


class Mute(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_sealed_is_unsealed(codec: str) -> None:
    """Plain data comes back as it was, from bytes or from a view."""
    sealer = Sealer(codec)
    value = {"a": [1, 2.5, None, True, "text", b"bytes"], "b": {}}
    assert sealer.unseal(*sealer.seal(value)) == value
    assert sealer.unseal(memoryview(sealer.seal(value)[0])) == value


def test_there_are_two_codecs() -> None:
    """A codec that nobody knows is an error."""
    with pytest.raises(ValueError, match="there is no payload codec 'json'"):
        Sealer("json")


def test_what_has_no_module_is_sealed_by_value() -> None:
    """A lambda goes by value, since plain pickle cannot name it."""
    assert Sealer("pickle").unseal(*Sealer("pickle").seal(lambda number: number + 1))(2) == 3


@pytest.mark.parametrize(
    ("codec", "value"), [("pickle", threading.Lock()), ("msgpack", object()), ("msgpack", 1 << 64)]
)
def test_what_cannot_be_sealed_says_why(codec: str, value: object) -> None:
    """The error tells what plain pickle, or MessagePack, has said."""
    with pytest.raises(SealError, match="Error: ") as caught:
        Sealer(codec).seal(value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80\x04."])
def test_what_cannot_be_unsealed_says_why(codec: str, data: bytes) -> None:
    """Bytes that hold nothing are one kind of error, whatever the reader raised."""
    with pytest.raises(SealError):
        Sealer(codec).unseal(data)


def test_buffers_belong_to_pickles() -> None:
    """Buffers are handed to the pickle, in order; MessagePack has no use for them."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(pickle.PickleBuffer(b"large"), 5, buffer_callback=buffers.append)
    assert Sealer("pickle").unseal(data, [b"large"]) == b"large"
    with pytest.raises(SealError, match="buffers"):
        Sealer("msgpack").unseal(b"\xc0", [b"large"])


@pytest.mark.parametrize("raises", [ValueError("no"), SystemExit(3), RecursionError(), GeneratorExit()])
@pytest.mark.parametrize("when", ["sealed", "unsealed"])
def test_a_payload_cannot_end_the_master(raises: BaseException, when: str) -> None:
    """Whatever the code of a payload raises is a SealError."""
    with pytest.raises(SealError, match=type(raises).__name__):
        Sealer("pickle").unseal(*Sealer("pickle").seal(Rude(raises, when)))


@pytest.mark.parametrize("when", ["sealed", "unsealed"])
def test_ctrl_c_goes_through(when: str) -> None:
    """An interrupt while a payload is sealed or unsealed is still an interrupt."""
    with pytest.raises(KeyboardInterrupt):
        Sealer("pickle").unseal(*Sealer("pickle").seal(Rude(KeyboardInterrupt(), when)))


def test_an_error_without_a_text_is_told_by_its_type() -> None:
    """An exception whose text cannot be made does no further harm."""
    with pytest.raises(SealError, match=r"^Mute$"):
        Sealer("pickle").unseal(*Sealer("pickle").seal(Rude(Mute(), "unsealed")))


def test_without_cloudpickle_plain_pickle_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where cloudpickle is missing, what plain pickle can write is sealed and the rest is not."""
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    assert Sealer("pickle").unseal(*Sealer("pickle").seal(["__main__"])) == ["__main__"]
    with pytest.raises(SealError):
        Sealer("pickle").seal(lambda: None)
