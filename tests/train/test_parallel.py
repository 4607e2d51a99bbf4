"""Data-parallel training: two processes apply the mean of their gradients and stay one training."""

import os
import socket

import pytest
import torch
from torch import multiprocessing, nn

from spir.train import parallel
from spir.train.run import TrainState


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def train_one_layer(rank: int, folder: str) -> None:
    """One step in which each process uses a layer of its own; the other's gradient is absent and counts as
    zero."""
    assert parallel.start("cpu") == "cpu" and parallel.world() == 2 and parallel.leads() == (rank == 0)
    torch.manual_seed(0)
    pair = nn.ModuleList((nn.Linear(3, 1), nn.Linear(3, 1)))
    state = TrainState(pair, torch.optim.SGD(pair.parameters(), lr=1.0))
    state.update((pair[rank].weight * (rank + 1)).sum(), 1.0)
    mean = parallel.mean_over_processes(float(rank), "cpu")
    torch.save((pair.state_dict(), mean), f"{folder}/{rank}.pt")
    parallel.stop()


def other_process(index: int, folder: str, environment: dict[str, str]) -> None:
    """The process of rank 1."""
    torch.set_num_threads(1)
    os.environ |= environment | {"RANK": "1", "LOCAL_RANK": "1"}
    train_one_layer(1, folder)


def test_two_processes_stay_one_training(tmp_path, monkeypatch, unused_port):
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(unused_port)}
    shared |= {"GLOO_SOCKET_IFNAME": "lo"}
    for name, value in {**shared, "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    child = multiprocessing.spawn(other_process, (str(tmp_path), shared), nprocs=1, join=False)
    train_one_layer(0, str(tmp_path))
    child.join()
    (one, mean), (other, _) = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert mean == 0.5 and all(torch.equal(one[name], other[name]) for name in one)
    torch.manual_seed(0)
    before = nn.ModuleList((nn.Linear(3, 1), nn.Linear(3, 1)))
    for rank in (0, 1):
        assert torch.allclose(before[rank].weight - one[f"{rank}.weight"], torch.full((1, 3), (rank + 1) / 2))
