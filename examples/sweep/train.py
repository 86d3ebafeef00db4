"""Learn handwritten digits with one learning rate and one width of the hidden layer; print the test accuracy.

A point of the curve is a line of the file that AZ_BATCHAI_METRICS_FILE names, where there is one.
"""

import argparse
import json
import os
import warnings
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits


def main() -> None:
    """Train for some epochs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    network = MLPClassifier(
        hidden_layer_sizes=(args.width,), solver="sgd", learning_rate_init=args.learning_rate, random_state=0
    )
    metrics = os.environ.get("AZ_BATCHAI_METRICS_FILE", os.devnull)
    with threadpool_limits(1), Path(metrics).open("a", encoding="utf-8") as points:
        for epoch in range(1, args.epochs + 1):
            network.partial_fit(train_x, train_y, classes=range(10))
            accuracy = float(network.score(test_x, test_y))
            point = {"step": epoch, "loss": float(network.loss_), "accuracy": accuracy}
            print(json.dumps(point), file=points, flush=True)
            print(f"epoch {epoch:2d}  loss {network.loss_:.4f}", flush=True)
    print(f"test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
