"""Twenty visitors at once for a minute: every page is answered, and the memory of the app stays flat."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app_crowd import browse_together
from app_server import run_app
from app_study import run_in_app

pytestmark = pytest.mark.long

USERS, SECONDS = 20, 60
MEGABYTES_TO_SPARE = 60


def read_memory(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text("utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) // 1024


def test_twenty_visitors_for_a_minute_are_all_answered(tmp_path: Path) -> None:
    with run_app(tmp_path) as app:
        visitor = app.visit()
        visitor.send_form("/studies", kind="demo")
        run_in_app(visitor, "demo")
        base = "/studies/demo"
        table = visitor.ask("GET", f"{base}/patients").text
        patients = re.findall(r'/patients/([0-9a-f]{16})"', table)
        assert len(set(patients)) == 50
        paths = ["/", base, f"{base}/patients?sort=anemia", "/calculators/car_hematotox", f"{base}/form"]
        paths += [f"{base}/patients/{patient}" for patient in dict.fromkeys(patients)]
        paths += [f"{base}/results/report.html", "/static/app.css", "/calculators/icaht"]
        for path in paths:
            assert visitor.ask("GET", path).status == 200, path
        before = read_memory(app.process.pid)
        crowd = browse_together(app, paths, users=USERS, seconds=SECONDS)
        assert crowd.failures == []
        assert len(crowd.seconds) > USERS * 10
        assert read_memory(app.process.pid) <= before + MEGABYTES_TO_SPARE
    assert "defect" not in "".join(app.said)
