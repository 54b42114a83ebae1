"""What the report runs, and what it leaves alone."""

from pathlib import Path

from rich.console import Console

from benchmarks.report.gather import SOURCES, Source, gather

SILENT = Console(quiet=True)


def source(name: str, *, comes_about: bool = True) -> Source:
    def make(file: Path) -> str:
        if comes_about:
            file.write_text("made")
        return f"{name}: what was said"

    return Source(name, f"makes {name}", make)


def test_only_what_is_not_there_is_made(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("from before")
    assert gather(tmp_path, SILENT, [source("there.json"), source("lacking.json")]) == {}
    assert (tmp_path / "there.json").read_text() == "from before"
    assert (tmp_path / "lacking.json").read_text() == "made"


def test_what_does_not_come_about_is_told(tmp_path: Path) -> None:
    broken = source("broken.json", comes_about=False)
    told = gather(tmp_path, SILENT, [broken, source("next.json")])
    assert told == {"makes broken.json": "broken.json: what was said"}
    assert (tmp_path / "next.json").exists()


def test_each_source_has_a_file_of_its_own() -> None:
    files = [each.file for each in SOURCES]
    assert len(set(files)) == len(files)
