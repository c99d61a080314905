"""Read bulk exports of FHIR Observations of growing size, each in a process of its own; synthetic data.

One observation in ten is a blood count of a cohort of 2,000 patients, the others are vital signs. What may
grow with the file is the rows that are kept, nothing else.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

SIZES = (100, 300, 1000)
CODES = (
    ("26464-8", "10*3/uL", 9.0),
    ("777-3", "10*3/uL", 300.0),
    ("718-7", "g/dL", 15.0),
    ("751-8", "10*3/uL", 6.0),
)
PATIENTS, COUNT_EVERY = 2_000, 10
FIRST = date(2024, 1, 1)


def write_observations(path: Path, megabytes: int) -> int:
    """Write NDJSON of about that size, and return the number of blood counts."""
    draw = random.Random(20_240_101)
    counts, size, number = 0, 0, 0
    with path.open("w", encoding="utf-8") as file:
        while size < megabytes * 1_000_000:
            lines = []
            for _ in range(10_000):
                number += 1
                is_count = number % COUNT_EVERY == 0
                code, unit, high = draw.choice(CODES) if is_count else ("8867-4", "/min", 120.0)
                day = FIRST + timedelta(days=draw.randrange(120))
                counts += is_count
                lines.append(json.dumps(describe(number, code, (unit, round(draw.random() * high, 2)), day)))
            size += file.write("\n".join(lines) + "\n")
    return counts


def describe(number: int, code: str, value: tuple[str, float], day: date) -> dict[str, object]:
    unit, amount = value
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "meta": {
            "versionId": "1",
            "lastUpdated": f"{day}T12:00:00+01:00",
            "profile": ["http://example.org/vital"],
        },
        "status": "final",
        "category": [
            {"coding": [{"system": "http://example.org/category", "code": "any", "display": "Any category"}]}
        ],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": code, "display": "is never read"}],
            "text": "as printed",
        },
        "subject": {"reference": f"Patient/p{number % PATIENTS}"},
        "encounter": {"reference": f"Encounter/e{number % 9_973}"},
        "effectiveDateTime": f"{day}T{number % 24:02d}:{number % 60:02d}:00+01:00",
        "issued": f"{day}T23:00:00+01:00",
        "valueQuantity": {"value": amount, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def read_once(path: Path) -> None:
    """Read one file in this process, and print rows, processor seconds and the peak of its memory."""
    from cytopenia.readers.fhir import read_fhir
    from cytopenia.readers.mapping import FhirMapping

    tables, _ = read_fhir(path, FhirMapping())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = usage.ru_utime + usage.ru_stime
    print(tables["labs"].frame.height, round(seconds, 1), usage.ru_maxrss // 1024)


def main() -> None:
    print("megabytes, blood counts, rows read, processor seconds, peak MB")
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in SIZES:
            path = Path(folder) / "Observation.ndjson"
            counts = write_observations(path, megabytes)
            done = subprocess.run(
                [sys.executable, __file__, str(path)], capture_output=True, text=True, check=True
            ).stdout
            print(megabytes, f"{counts:,}", *done.split(), sep=", ", flush=True)


if __name__ == "__main__":
    read_once(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
