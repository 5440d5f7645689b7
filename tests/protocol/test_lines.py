from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.errors import UsageError
from spreadjobs.protocol.lines import LineReader, encode_prelude


def lines(*pieces: bytes) -> list[str]:
    """All lines of a stream that comes in pieces and ends."""
    reader = LineReader()
    found = [line for piece in pieces for line in reader.feed(piece)]
    return found + reader.close()


def test_lines_keep_their_line_breaks() -> None:
    """Each line ends with its own line break; the last may have none."""
    assert lines(b"one\n\ntwo\nlast") == ["one\n", "\n", "two\n", "last"]
    assert lines(b"one\n") == ["one\n"]
    assert lines() == []


def test_a_line_comes_out_when_it_is_whole() -> None:
    """Nothing waits for more than its own line break."""
    reader = LineReader()
    assert reader.feed(b"on") == []
    assert reader.feed(b"e\ntw") == ["one\n"]
    assert reader.feed(memoryview(b"o\n")) == ["two\n"]
    assert reader.close() == []


@given(st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\xc3", b"\xa9", b"\xff"])))
def test_any_bytes_survive(pieces: list[bytes]) -> None:
    """However the stream is cut, and whatever it holds, the lines hold the same bytes."""
    found = lines(*pieces)
    assert "".join(found).encode("utf-8", "surrogateescape") == b"".join(pieces)
    assert all([line.count("\n") <= 1 and "\n" not in line[:-1] for line in found])
    assert found == lines(b"".join(pieces))


def test_a_prelude_of_lines_is_written_as_it_is() -> None:
    """Text becomes UTF-8, bytes stay as they are, nothing is added."""
    assert encode_prelude(["é\n", b"\xff", bytearray(b"x"), "\udcff"]) == b"\xc3\xa9\n\xffx\xff"


@pytest.mark.parametrize("item", [3, None, ["x"], "\ud800"])
def test_what_is_no_text_cannot_be_written(item: object) -> None:
    """A number is not turned into text by guessing."""
    with pytest.raises(UsageError, match="stdin"):
        encode_prelude([item])
