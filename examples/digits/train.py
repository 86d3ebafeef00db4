"""Train a classifier on handwritten digits: a line per epoch, a model and its metrics at the end.

Nothing here knows of Batch AI: folders come in as arguments, as in the scripts people ran in 2018.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

#: Each epoch sees every image shifted by up to one pixel in each direction, and itself.
_SHIFTS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
#: Passes over them per epoch, so that an epoch takes about a second.
_PASSES = 8


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 64) float32 and labels (n,) of one split."""
    with np.load(path) as data:
        return data["images"], data["labels"]


def augmented(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The images shifted nine ways, with a little noise: (9 n, 64)."""
    grid = images.reshape(-1, 8, 8)
    shifted = np.concatenate([np.roll(grid, shift, axis=(1, 2)) for shift in _SHIFTS])
    noisy = shifted + rng.normal(0.0, 0.05, shifted.shape).astype(np.float32)
    return noisy.reshape(-1, 64)


def draw(point: dict[str, float]) -> None:
    """A point of the job's curves: a line of the file that AZ_BATCHAI_METRICS_FILE names, if one is named."""
    metrics = Path(os.environ.get("AZ_BATCHAI_METRICS_FILE", os.devnull))
    with metrics.open("a", encoding="utf-8") as points:
        print(json.dumps(point), file=points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()

    train_x, train_y = load(args.data / "train.npz")
    test_x, test_y = load(args.data / "test.npz")
    print(
        f"{os.environ.get('RUN_LABEL', 'digits')}: {len(train_x)} images to learn from, {len(test_x)} to test"
    )
    print(f"GPUs on this node: {os.environ.get('AZ_BATCHAI_NUM_GPUS', '?')}")

    rng = np.random.default_rng(0)
    network = MLPClassifier(hidden_layer_sizes=(128, 64), batch_size=128, random_state=0)
    warnings.simplefilter("ignore", ConvergenceWarning)
    began = time.monotonic()
    history = []
    for epoch in range(1, args.epochs + 1):
        images = augmented(train_x, rng)
        labels = np.tile(train_y, len(_SHIFTS))
        order = rng.permutation(len(images))
        # The matrices are too small to be worth more than one thread.
        with threadpool_limits(1):
            for _ in range(_PASSES):
                network.partial_fit(images[order], labels[order], classes=np.arange(10))
        accuracy = float(network.score(test_x, test_y))
        history.append({"epoch": epoch, "loss": float(network.loss_), "accuracy": accuracy})
        draw({"step": epoch, "loss": float(network.loss_), "accuracy": accuracy})
        print(f"epoch {epoch:2d}/{args.epochs}  loss {network.loss_:.4f}  test accuracy {accuracy:.2%}")

    args.model.mkdir(parents=True, exist_ok=True)
    joblib.dump(network, args.model / "digits.joblib", compress=3)
    metrics = {"accuracy": history[-1]["accuracy"], "seconds": time.monotonic() - began, "epochs": history}
    (args.model / "metrics.json").write_text(json.dumps(metrics, indent=2))
    print(f"done: test accuracy {metrics['accuracy']:.2%} after {metrics['seconds']:.1f} s")


if __name__ == "__main__":
    main()
