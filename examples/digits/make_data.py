"""Write the handwritten digits of scikit-learn (1,797 images, 8 x 8) as files: one per split."""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main() -> None:
    """Write train.npz and test.npz: images (n, 64) float32 in 0..1, labels (n,) int64."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: python make_data.py --out data")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    images = (digits.data / 16.0).astype(np.float32)
    labels = digits.target.astype(np.int64)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.25, random_state=0, stratify=labels
    )
    np.savez_compressed(out / "train.npz", images=train_x, labels=train_y)
    np.savez_compressed(out / "test.npz", images=test_x, labels=test_y)


if __name__ == "__main__":
    main()
