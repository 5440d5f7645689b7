"""Count words and lines in every .py file of the running Python's standard library, spread over local workers.

Words: a Python function on one worker per CPU. Lines: plain ``wc`` commands as workers. Both are checked against a
count made here, one file after the other.
"""

from __future__ import annotations

import re
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spreadjobs import Report, main

WORD = re.compile(rb"[A-Za-z_]+")


#: How many tasks the files are dealt out to.
TASKS = 64


def count_words(paths: list[str]) -> Counter[bytes]:
    """How often each word stands in some files."""
    words: Counter[bytes] = Counter()
    for path in paths:
        words.update(WORD.findall(Path(path).read_bytes()))
    return words


def library_files() -> list[str]:
    """The .py files of the standard library, without what was installed into it, largest first."""
    root = Path(sysconfig.get_path("stdlib"))
    found = [path for path in root.rglob("*.py") if not {"site-packages", "dist-packages"} & set(path.parts)]
    return [str(path) for path in sorted(found, key=lambda path: (-path.stat().st_size, path))]


@contextmanager
def timed(times: dict[str, float], what: str) -> Iterator[None]:
    """Note how long the block takes."""
    start = time.perf_counter()
    yield
    times[what] = time.perf_counter() - start


def total(counts: list[Counter[bytes]]) -> Counter[bytes]:
    """The sum of all counts."""
    words: Counter[bytes] = Counter()
    for count in counts:
        words.update(count)
    return words


def count_lines(files: list[str], workers: int) -> tuple[int, Report]:
    """The number of lines in all files, counted by as many ``wc`` commands as there are workers."""
    commands = [["wc", "-l", *files[index::workers]] for index in range(workers)]
    answer = main([], commands)
    lines = [line for tail in answer.tails for line in tail if line.split()[1:] != ["total"]]
    return sum([int(line.split()[0]) for line in lines]), answer.report


def show_workers(report: Report) -> None:
    """One line for each worker: what it was, and what it did."""
    for worker in report.workers:
        did = f"{worker.tasks:5d} tasks in {worker.seconds:6.2f} s" if worker.tasks else "no tasks, only its tail"
        print(f"  worker {worker.index} of {worker.host}: {did}, {worker.starts} start, exit {worker.exit_statuses}")


def demo() -> None:
    """Run it, check it, and print what it did."""
    files = library_files()
    size = sum([Path(path).stat().st_size for path in files])
    times: dict[str, float] = {}
    with timed(times, "words here"):
        words_here = count_words(files)
    with timed(times, "words spread"):
        answer = main([files[index::TASKS] for index in range(TASKS)], count_words)
        words = total(answer.results)
    with timed(times, "lines spread"):
        lines, lines_report = count_lines(files, len(answer.report.workers))
    lines_here = sum([Path(path).read_bytes().count(b"\n") for path in files])
    if words != words_here or lines != lines_here:
        raise SystemExit("the counts differ from those made here")

    print(f"{len(files)} files, {size:,} bytes, {lines:,} lines, {sum(words.values()):,} words: as counted here")
    print("the twenty commonest words:")
    for word, count in words.most_common(20):
        print(f"  {count:8,} {word.decode()}")
    for what in ("words here", "words spread", "lines spread"):
        seconds = times[what]
        print(
            f"{what + ':':14}{seconds:6.2f} s, {len(files) / seconds:8,.0f} files/s, {size / seconds / 1e6:6.1f} MB/s"
        )
    print("words were counted by")
    show_workers(answer.report)
    print("lines were counted by")
    show_workers(lines_report)
    workers = len(answer.report.workers)
    print(f"speed-up: {times['words here'] / times['words spread']:.2f} with {workers} workers, their start included")


if __name__ == "__main__":
    demo()
