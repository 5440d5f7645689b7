"""The worker's descriptors, taken before any user code runs.

     before                        after
0    from the master               /dev/null                        the protocol: close-on-exec, 200 and above
1    to the master                 the capture pipe, or a copy of 2
2    captured by the master        the same                         a private copy of it: 200 and above
"""

import fcntl
import os
import select
import stat

from worker_stub.page import NoPage, Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Union

CAPTURE_NAME = "SPREADJOBS_CAPTURE_FD"
PAGE_NAME = "SPREADJOBS_PAGE_FD"

#: Private descriptors have this number or a higher one, out of the way of code that closes the low ones.
HIGH = 200
_PRIVATE = 8


class Descriptors:
    """input, output: the protocol. errors: a private copy of descriptor 2. page: what runs. has_page, has_capture."""

    def __init__(self) -> None:
        """Take them. Raises OSError when descriptor 0 or 1 is not open."""
        self.input = _raised(0)
        self.output = _raised(1)
        os.set_blocking(self.input, True)
        os.set_blocking(self.output, True)
        null = os.open(os.devnull, os.O_RDWR)
        self._null = _raised(null)
        os.close(null)
        if not _is_open(2):
            os.dup2(self._null, 2)
        self.errors = _raised(2)
        capture = _pipe_named(CAPTURE_NAME)
        self.has_capture = capture is not None
        self._printed = self.errors if capture is None else capture
        self.page = _page_named(PAGE_NAME)
        self.has_page = isinstance(self.page, Page)
        os.dup2(self._null, 0)
        os.dup2(self._printed, 1)
        self._low = select.poll()
        for low in (0, 1, 2):
            self._low.register(low, 0)

    def mend(self) -> None:
        """Open 0, 1 and 2 again where a task has closed them."""
        if not self._low.poll(0):  # one call for all three; it tells of more than that they are closed
            return
        for low, private in ((0, self._null), (1, self._printed), (2, self.errors)):
            if not _is_open(low):
                os.dup2(private, low)

    def give_output_back(self) -> None:
        """Make descriptor 1 what it was before: what is printed from now on is the tail."""
        os.dup2(self.output, 1)


def _raised(fd: int) -> int:
    """A private, close-on-exec copy of ``fd`` under a high number."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    lowest = HIGH
    if limit != resource.RLIM_INFINITY:
        lowest = max(3, min(HIGH, limit - _PRIVATE))
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, lowest)


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _number_named(name: str) -> "Optional[int]":
    """The descriptor that the environment names; the name is removed, so that the task's children do not see it."""
    text = os.environ.pop(name, "")
    return int(text) if text.isdigit() else None


def _pipe_named(name: str) -> "Optional[int]":
    """A private copy of the pipe that the environment names, which is closed under its old number."""
    fd = _number_named(name)
    if fd is None or not _is_open(fd) or not stat.S_ISFIFO(os.fstat(fd).st_mode):
        return None
    private = _raised(fd)
    if fd > 2:
        os.close(fd)
    return private


def _page_named(name: str) -> "Union[Page, NoPage]":
    """The page that the environment names, whose descriptor is closed."""
    fd = _number_named(name)
    if fd is None:
        return NoPage()
    try:
        page = Page(fd)
    except (OSError, ValueError):
        return NoPage()
    if fd > 2:
        os.close(fd)
    return page
