"""§4: measures many items, one after the other or a few at a time; a failing item is reported and does not stop the rest."""

import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

import torch
from tqdm import tqdm

from spir.evaluate.notebook import Record, ResultLog

Score = Callable[[Any, Any], Record]
"""Maps (what `prepare` made, item) to a record."""
Prepare = Callable[[], Any]
"""Makes what every item needs, above all the networks."""

_worker: dict[str, Any] = {}
"""The networks and the score function of a worker process."""


def measure(
    score: Score,
    prepare: Prepare,
    items: Sequence[Any],
    label: str,
    workers: int = 1,
    notebook: ResultLog | None = None,
) -> list[Record]:
    """Return the records in the order of the items, with a progress bar on stderr.

    With more than one worker, that many processes share the threads; then both functions must be importable
    and timings are not meaningful. A notebook gets every record at once under `label`; items that it already holds are not
    measured again."""
    known = notebook.known(label) if notebook else {}
    found = {place: known[name_of(item)] for place, item in enumerate(items) if name_of(item) in known}
    left = {place: item for place, item in enumerate(items) if place not in found}
    with tqdm(total=len(items), initial=len(found), desc=label, file=sys.stderr) as bar:
        for place, record in attempts(score, prepare, left, workers):
            found[place] = record
            if notebook:
                notebook.write(label, record)
            bar.update()
    return [found[place] for place in range(len(items))]


def attempts(
    score: Score, prepare: Prepare, items: dict[int, Any], workers: int
) -> Iterator[tuple[int, Record]]:
    """Yield the index of each item and its record, as they finish."""
    if workers > 1 and items:
        yield from measure_in_processes(score, prepare, items, workers)
    elif items:
        prepared = prepare()
        for place, item in items.items():
            yield place, attempt(score, prepared, item)


def measure_in_processes(
    score: Score, prepare: Prepare, items: dict[int, Any], workers: int
) -> Iterator[tuple[int, Record]]:
    """Yield the index of each item and its record, measured in separate processes."""
    threads = max(1, torch.get_num_threads() // workers)
    # A forked process would inherit torch's threads in an undefined state.
    with ProcessPoolExecutor(workers, get_context("spawn"), begin_worker, (score, prepare, threads)) as pool:
        places = {pool.submit(attempt_in_worker, item): place for place, item in items.items()}
        for future in as_completed(places):
            yield places[future], future.result()


def begin_worker(score: Score, prepare: Prepare, threads: int) -> None:
    torch.set_num_threads(threads)
    _worker.update(score=score, prepared=prepare())


def attempt_in_worker(item: Any) -> Record:
    return attempt(_worker["score"], _worker["prepared"], item)


def name_of(item: Any) -> str:
    return str(getattr(item, "name", item))


def attempt(score: Score, prepared: Any, item: Any) -> Record:
    """Return the item's record, or its name and the error."""
    name = name_of(item)
    try:
        return {"name": name, **score(prepared, item)}
    except Exception as problem:
        # One failing item must not lose the others' results; the report names it.
        return {"name": name, "error": f"{type(problem).__name__}: {problem}"}


def finished(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if "error" not in record]


def failures(records: Sequence[Record]) -> dict[str, str]:
    """Map the names of failed items to their errors."""
    return {record["name"]: record["error"] for record in records if "error" in record}


def keep(report: Record, part: str, records: Sequence[Record]) -> None:
    """Store the single items, and the names of those that failed, beside the summary."""
    report["items"][part] = records
    report["failures"][part] = failures(records)


def peak_rss_mb() -> float:
    """Return the peak memory of this process or of its largest worker, in megabytes (10^6 bytes)."""
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    # Linux counts kibibytes, macOS bytes.
    return most * (1 if sys.platform == "darwin" else 1024) / 1e6
