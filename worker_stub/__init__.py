"""What runs at the far end of the pipes: standard library only, Python 3.6 or newer.

``serve`` makes a program a worker, ``prelude`` gives its function what was sent before the tasks. docs/protocol.md is
what it speaks.
"""

from worker_stub.items import prelude
from worker_stub.serve import serve

__all__ = ["prelude", "serve"]
