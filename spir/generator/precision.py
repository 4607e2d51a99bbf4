"""Finds out which processors compute bfloat16 faster than float32."""

import platform

import torch


def half_is_fast(device: str) -> bool:
    """Whether bfloat16 is computed in hardware rather than emulated, which takes three times as long as float32."""
    kind = device.split(":")[0]
    if kind == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if kind != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if platform.machine().lower() in ("x86_64", "amd64"):
        # There, oneDNN also reports emulated types as supported.
        asked = (
            getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
        return any(ask() for ask in asked if ask)
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
