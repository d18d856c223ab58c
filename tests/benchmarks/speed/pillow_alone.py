"""Publish a photo with Pillow and nothing else: FILE THREADS SECONDS."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import ImageOps, JpegImagePlugin


def publish(content: bytes) -> None:
    """Encode the photo anew, upright and without metadata, and a thumbnail, as the service does."""
    with JpegImagePlugin.JpegImageFile(BytesIO(content)) as image:
        tables, subsampling = image.quantization, JpegImagePlugin.get_sampling(image)
        ImageOps.exif_transpose(image, in_place=True)  # an upright photo is not copied
        image.save(BytesIO(), "JPEG", qtables=tables, subsampling=subsampling, optimize=True)
        image.thumbnail((320, 320), reducing_gap=3.0)
        image.save(BytesIO(), "JPEG", quality=85, optimize=True)


def publish_until(stop_at: float, content: bytes) -> list[float]:
    """Return the times of the photos in ms."""
    times = []
    while (began_at := time.perf_counter()) < stop_at:
        publish(content)
        times.append((time.perf_counter() - began_at) * 1000)
    return times


def main(content: bytes, threads: int, seconds: float) -> None:
    """Publish in so many threads and print a sample."""
    publish(content)
    began_at, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        runs = [pool.submit(publish_until, began_at + seconds, content) for _ in range(threads)]
        times = sorted(duration for run in runs for duration in run.result())
    elapsed, cpu = time.perf_counter() - began_at, time.process_time() - cpu
    sample = {
        "responses": len(times),
        "rate": len(times) / elapsed,
        "p50_ms": times[len(times) // 2],
        "p99_ms": times[len(times) * 99 // 100],
        "cpu_us": cpu / len(times) * 1e6,
    }
    print(json.dumps(sample))


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_bytes(), int(sys.argv[2]), float(sys.argv[3]))
