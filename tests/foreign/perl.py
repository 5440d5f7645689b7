"""Perl, for the worker that is written in it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache


@cache
def find_perl() -> str | None:
    """A Perl with its standard modules, which the smallest systems leave out; None where there is none."""
    perl = shutil.which("perl")
    if perl is None or subprocess.run([perl, "-MTime::HiRes", "-e", "1"], capture_output=True).returncode:
        return None
    return perl
