import json
from pathlib import Path

import pytest

from benchmarks import growth


def test_each_page_is_measured_and_the_growth_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(growth, "SIZES", ((320, 240), (640, 480), (1280, 960), (1600, 1200)))
    monkeypatch.setattr(growth, "COUNTS", (1, 8, 40, 100))
    monkeypatch.setattr(growth, "_SECONDS", 0.05)
    assert growth.main(["--model", "ann", "--json", str(tmp_path / "growth.json")]) == 0
    results = json.loads((tmp_path / "growth.json").read_text(encoding="utf-8"))
    pages = [(each["width"], each["digits"]) for each in results]
    assert pages == [
        *((w, 8) for w in (320, 640, 1280, 1600)),
        *((4000, n) for n in (1, 8, 40, 100)),
    ]
    assert all(each["found"] == each["digits"] for each in results)
    assert all(0 < sum(each["stages"].values()) <= each["milliseconds"] * 1.5 for each in results)
    output = capsys.readouterr().out
    assert output.count("time grows as megapixels to the power of") == 1
    assert output.count("time grows as digits to the power of") == 1


def test_an_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert growth.main(["--model", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
