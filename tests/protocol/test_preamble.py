from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spreadjobs.errors import ProtocolError
from spreadjobs.protocol.preamble import MarkerScanner
from worker_stub.frames import MASTER_MARKER, WORKER_MARKER


def scan(*pieces: bytes, limit: int = 100) -> tuple[bytes, bytes | None]:
    """What was skipped, and what follows the marker."""
    scanner = MarkerScanner(limit)
    rest = None
    for piece in pieces:
        rest = scanner.feed(piece) if rest is None else rest + piece
    assert scanner.is_found == (rest is not None)
    return scanner.skipped, rest


def test_the_marker_may_come_first() -> None:
    """Nothing is skipped when the marker is the first line."""
    assert scan(WORKER_MARKER + b"frames") == (b"", b"frames")


def test_a_banner_is_skipped_and_kept() -> None:
    """What a login shell prints before the marker is there for messages."""
    assert scan(b"Welcome!\n#spread\n" + WORKER_MARKER + b"f") == (b"Welcome!\n#spread\n", b"f")


@pytest.mark.parametrize("text", [b"x" + WORKER_MARKER, WORKER_MARKER[:-1] + b" \n", WORKER_MARKER[1:]])
def test_the_marker_is_a_whole_line(text: bytes) -> None:
    """The marker inside a line is no marker."""
    assert scan(text) == (text, None)


@given(st.lists(st.sampled_from([b"a", b"\n", b"#spreadjobs", b" worker\n", WORKER_MARKER[:7]]), max_size=6), st.data())
def test_it_does_not_matter_how_the_stream_is_cut(banner: list[bytes], data: st.DataObject) -> None:
    """The marker is found wherever the pipe cuts."""
    stream = b"".join(banner) + b"\n" + WORKER_MARKER + b"rest"
    place = data.draw(st.integers(0, len(stream)))
    whole = scan(stream)
    assert scan(stream[:place], stream[place:]) == whole
    assert scan(*[stream[at : at + 1] for at in range(len(stream))]) == whole


def test_an_echo_is_told() -> None:
    """A program that only sends back what it is sent (cat) is no worker."""
    with pytest.raises(ProtocolError, match="only echoes"):
        scan(b"hello\n", MASTER_MARKER[:5], MASTER_MARKER[5:])


def test_the_master_s_marker_behind_the_worker_s_is_no_echo() -> None:
    """What comes behind the marker are frames, whatever they hold."""
    assert scan(WORKER_MARKER + b"\n" + MASTER_MARKER) == (b"", b"\n" + MASTER_MARKER)


def test_too_much_before_the_marker_is_an_error() -> None:
    """As many bytes as the limit may be skipped, and one more may not."""
    assert scan(b"x" * 99 + b"\n" + WORKER_MARKER)[1] == b""
    with pytest.raises(ProtocolError, match="more than 100 bytes without a marker line: b'xxx"):
        scan(b"x" * 100 + b"\n" + WORKER_MARKER)
    with pytest.raises(ProtocolError, match="more than 100 bytes"):
        scan(b"x" * 50, b"x" * 51)
