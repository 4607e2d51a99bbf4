"""Process the jobs with Ray Data, on this machine or on many: `pip install "spir[ray]"`.

Every actor loads the networks once, and has a GPU to itself where the cluster has any. Results are in the
same store, and a photo that is done there is not done again.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import torch

from spir.batch.jobs import Job
from spir.batch.plan import Plan
from spir.batch.process import process_job, row_of_lost_job
from spir.batch.rows import Row
from spir.batch.store import Store
from spir.errors import EngineError
from spir.runtime import cores
from spir.weights import load_models

MOST_BLOCKS = 10_000
"""The number of photos up to which Ray hands them out one by one; more are split into that many equal
blocks."""
RETRIES = 2
"""The number of retries of a photo whose worker died: a lost node is not the photo's fault, but a third dead
worker is."""


class ReconstructActor:
    """The actor takes a row of the data set and returns a row of the results, both as JSON."""

    def __init__(self, plan: Plan, threads: int):
        torch.set_num_threads(threads)
        self.context = plan.context()

    def __call__(self, item: dict) -> dict:
        row = process_job(self.context, Job(**json.loads(item["job"])))
        return {"row": json.dumps(asdict(row))}


def run_ray(jobs: Sequence[Job], plan: Plan, address: str | None = None) -> Iterator[Row]:
    """Yield the rows in the order in which they are ready. `address` is that of a cluster; None = one is
    started here.

    Raises EngineError where Ray is not installed, and WeightsError where the weights are missing."""
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.data  # pyright: ignore[reportMissingImports]
    except ImportError as problem:
        raise EngineError('the engine "ray" needs the package: pip install "spir[ray]"') from problem
    weights = load_models(plan.settings.category, plan.settings.weights).hash
    # Actors on this machine share its threads; on a cluster each asks for one core.
    threads = 1 if address else plan.threads
    here = {} if address else {"num_cpus": max(plan.workers, cores()), "include_dashboard": False}
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **here)
    try:
        yield from collect_rows(ray, jobs, plan, weights, threads)
    finally:
        ray.shutdown()


def collect_rows(ray, jobs: Sequence[Job], plan: Plan, weights: str, threads: int) -> Iterator[Row]:
    """Yield the rows of all jobs; those that were lost with their workers come last."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # A block that is given up must not end the run.
    context.max_errored_blocks = -1
    gpu = plan.settings.device in ("auto", "cuda") and ray.cluster_resources().get("GPU", 0) > 0
    items = [{"job": json.dumps(asdict(job))} for job in jobs]
    results = ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS)).map(
        ReconstructActor,
        fn_constructor_args=(plan, threads),
        # One photo at a time: a photo queued behind one that kills its actor would be lost with it.
        compute=ray.data.ActorPoolStrategy(size=plan.workers, max_tasks_in_flight_per_actor=1),
        num_cpus=1,
        num_gpus=1 if gpu else 0,
        ray_remote_args_fn=lambda: {"max_task_retries": RETRIES},
    )
    left = {job.folder: job for job in jobs}
    for item in results.iter_rows():
        row = Row(**json.loads(item["row"]))
        del left[row.folder]
        yield row
    for job in left.values():
        reason = f"its worker died {RETRIES + 1} times, and it was given up"
        yield row_of_lost_job(Store(plan.out), job, plan.settings, weights, reason)
