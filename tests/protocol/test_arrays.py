"""Arrays of numpy: they arrive as they were, can be written to, and are not copied a second time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.protocol.test_buffers import MEGABYTE, SEALER, no_copies, sent, there
from worker_stub.frames import LARGE

np: Final = pytest.importorskip("numpy")

#: One for each form that an array may have; all but the last two are large.
ARRAYS: Final[dict[str, Callable[[], Any]]] = {
    "plain": lambda: np.arange(LARGE),
    "bytes": lambda: np.zeros(LARGE, np.uint8),
    "of several dimensions": lambda: np.arange(LARGE * 2.0).reshape(2, LARGE // 4, 4),
    "columns first": lambda: np.asfortranarray(np.arange(LARGE * 2.0).reshape(LARGE // 4, 8)),
    "every second": lambda: np.arange(LARGE * 2)[::2],
    "backwards": lambda: np.arange(LARGE)[::-1],
    "a window": lambda: np.arange(LARGE * 4).reshape(LARGE // 4, 16)[:, 3:7],
    "big-endian": lambda: np.arange(LARGE, dtype=">f8"),
    "records": lambda: np.zeros(LARGE, [("x", "f4"), ("name", "S5")]),
    "complex": lambda: np.ones(LARGE, np.complex128) * 1j,
    "dates": lambda: np.arange(LARGE).astype("datetime64[s]"),
    "texts": lambda: np.array(["one", "three"] * LARGE),
    "objects": lambda: np.array([1, "two", None, b"x" * LARGE], dtype=object),
    "without a dimension": lambda: np.array(3.5),
    "empty": lambda: np.zeros((0, 3)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_arrives_as_it_was(name: str) -> None:
    """Alone and among others: values, type and shape; it can be written to."""
    array = ARRAYS[name]()
    for found in (there(array), there({"it": [array, 1]})["it"][0]):
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert np.array_equal(found, array)
        assert found.flags.writeable
        found[...] = array


def test_an_array_is_not_copied_when_it_is_sent() -> None:
    """What goes to the pipe is the array's own memory."""
    array = np.arange(MEGABYTE)
    with no_copies():
        _, (view,) = SEALER.seal(array)
    assert np.shares_memory(np.frombuffer(view, array.dtype), array)


def test_an_array_is_not_copied_when_it_has_come() -> None:
    """It lies where it was read to, and there it can be written to."""
    frame = sent(SEALER.seal([np.arange(MEGABYTE), np.arange(LARGE)]))
    with no_copies():
        first, second = SEALER.unseal(frame.payload, frame.buffers)
    for array, buffer in ((first, frame.buffers[0]), (second, frame.buffers[1])):
        assert np.shares_memory(array, np.frombuffer(buffer, array.dtype))
        array += 1
        assert np.frombuffer(buffer, array.dtype)[0] == 1


def test_what_may_not_be_written_to_stays_so() -> None:
    """As with any pickle."""
    array = np.arange(LARGE)
    array.flags.writeable = False
    assert not there(array).flags.writeable


def test_many_small_arrays_stay_in_the_pickle() -> None:
    """A buffer each would cost more than the copies."""
    arrays = [np.full(10, number) for number in range(10_000)]
    sealed = SEALER.seal(arrays)
    assert sealed[1] == []
    assert all(map(np.array_equal, SEALER.unseal(*sealed), arrays))


def test_small_and_large_arrays_keep_their_order() -> None:
    """Some in the pickle, some beside it, one of them twice."""
    arrays = [np.full(size, size) for size in (1, LARGE, 10, 2 * LARGE, 0, LARGE)]
    found = there([*arrays, arrays[1]])
    assert all(map(np.array_equal, found, arrays))
    assert found[6] is found[1]


def test_a_function_takes_its_arrays_with_it() -> None:
    """What goes by value, and what an exception holds, has buffers as well."""
    array = np.arange(LARGE)
    sealed = SEALER.seal(lambda: array)
    assert len(sealed[1]) == 1
    assert np.array_equal(SEALER.unseal(*sealed)(), array)
    assert np.array_equal(there(ValueError("bad", array)).args[1], array)


def test_an_older_python_is_sent_arrays_in_the_pickle() -> None:
    """Of whatever form."""
    for make in ARRAYS.values():
        array = make()
        data, buffers = SEALER.older(SEALER.seal(array))
        assert (data[:2], buffers) == (b"\x80\x04", ())
        assert np.array_equal(SEALER.unseal(data), array)
