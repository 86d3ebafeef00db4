"""A stand-in for a training script: prints three epochs and writes a model."""

import os
from pathlib import Path

for epoch in range(1, 4):
    print(f"epoch {epoch} of 3")
Path(os.environ["AZ_BATCHAI_OUTPUT_MODEL"], "model.txt").write_text("a model\n")
