"""Write schemas/job.json and schemas/cluster.json from the models: `python scripts/export_schemas.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.documents.json_schema import cluster_schema, job_schema, schema_text  # noqa: E402


def main() -> None:
    """Write both files and name them."""
    for name, schema in (("job", job_schema()), ("cluster", cluster_schema())):
        path = ROOT / "schemas" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(schema_text(schema), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
