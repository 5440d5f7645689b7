"""What ``connection_factory`` may be: which dialect the workers of the argument lists speak."""

from __future__ import annotations


class Connection_framed:  # noqa: N801  (named like the classic module's connections)
    """The workers speak the framed dialect (docs/protocol.md), as worker_stub does."""


class Connection_lines:  # noqa: N801  (named like the classic module's connections)
    """They are plain commands: the prelude is written as it is, and what they print is their tail. No tasks."""
