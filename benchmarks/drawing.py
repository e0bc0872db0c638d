"""The process whose memory is measured while it draws: ``python -m benchmarks.drawing`` with what
:mod:`benchmarks.memory` asks for. It imports no more than drawing needs.
"""

from __future__ import annotations

import json
import sys

import torch

from benchmarks.networks import mapped, orbit_camera, subject
from benchmarks.process_memory import forget_peak, memory_of
from benchmarks.renderers import make_renderer
from pof3d.memory import keep_freed_memory, return_freed_memory

_LATENTS, _CAMERAS = 3, 3


def measure(key: str, way: str, quick: bool, threads: int, device_name: str) -> dict[str, int]:
    """Bytes: without a network, with it, and at the peak of drawing."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    device = torch.device(device_name)
    empty = memory_of("VmRSS")
    with torch.inference_mode():
        generator = subject(key, quick).make(device).generator
        return_freed_memory()
        before = memory_of("VmRSS")
        forget_peak()
        on_gpu = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            on_gpu = torch.cuda.memory_allocated(device)
        renderer = make_renderer(way, generator)
        side = generator.config.render.resolution
        for seed in range(_LATENTS):
            w, camera = mapped(generator, seed)
            field = renderer.field(renderer.planes(w))
            for step in range(_CAMERAS):
                renderer.picture(field, w, orbit_camera(generator, step) if step else camera, side)
    found = {"empty": empty, "before": before, "peak": max(memory_of("VmHWM"), before)}
    if device.type == "cuda":
        found |= {"before": on_gpu, "peak": torch.cuda.max_memory_allocated(device)}
    return found


if __name__ == "__main__":
    name, renderer_name, is_quick, thread_count, where = sys.argv[1:]
    print(json.dumps(measure(name, renderer_name, is_quick == "1", int(thread_count), where)))
