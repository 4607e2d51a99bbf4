"""§3.1, bootstrapped poses on real photos with known cameras: are the poses that `spir.data.poses.bootstrap` keeps right?"""

from collections.abc import Sequence

import torch

from spir.data.poses.bootstrap import PoseFilter, bootstrap
from spir.evaluate.benchmarks.eth80 import GOOD_DEG, View, cut_out
from spir.evaluate.items import Record, finished
from spir.geometry.rotation import geodesic_deg
from spir.pipeline import Reconstructor


@torch.no_grad()
def score_kept(reconstructor: Reconstructor, view: View) -> Record:
    """Return whether the toy's photo is kept, and the error of its pose."""
    table = bootstrap(reconstructor, [view.name], cut_out(reconstructor, view), [None])
    return {
        "car": view.car,
        "kept": bool(PoseFilter()(table)),
        "rotation_deg": geodesic_deg(table.pose.quaternion, view.rotation).item(),
    }


def summary(records: Sequence[Record]) -> Record:
    """Return the share that is kept, and of these the share within 30 degrees, for all cars and for each."""
    done = finished(records)
    rows = {"all": done} | {
        f"car {car}": [r for r in done if r["car"] == car] for car in sorted({r["car"] for r in done})
    }
    return {name: shares(some) for name, some in rows.items() if some}


def shares(records: Sequence[Record]) -> Record:
    """Return the shares of at least one record; None for those of kept photos where none was kept."""
    kept = [record["rotation_deg"] <= GOOD_DEG for record in records if record["kept"]]
    return {"kept": len(kept) / len(records), "right": sum(kept) / len(kept) if kept else None}
