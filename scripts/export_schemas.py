"""Write the schemas of documents from the models into schemas/: `python scripts/export_schemas.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.documents.json_schema import cluster_schema, job_schema, schema_text  # noqa: E402
from shared.sweeps.json_schema import sweep_schema  # noqa: E402


def main() -> None:
    """Write the files and name them."""
    schemas = {"job": job_schema(), "cluster": cluster_schema(), "sweep": sweep_schema()}
    for name, schema in schemas.items():
        path = ROOT / "schemas" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(schema_text(schema), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
