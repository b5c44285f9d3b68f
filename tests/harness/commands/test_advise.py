"""What to use, asked of the runs on disk."""

import argparse

from harness.commands import advise
from harness.reading.command_line import main
from harness.record.files import ROOT


def test_a_machine_without_a_run_is_told_in_one_line(tmp_path, capsys):
    asked = ("advise", "--elements", "1000", "--machine", "zen2", "--results", str(tmp_path))
    assert main("harness", asked) == 2
    assert capsys.readouterr().err == (
        f"harness: there is no complete run of zen2 below {tmp_path}: `make reproduce-all` makes one\n"
    )


def test_a_run_from_before_there_was_a_frontier_tells_nothing(make_run, tmp_path, capsys):
    make_run(tmp_path / "runs", machine="zen2", isas=("avx2",), parts=("algorithms", "controls"))
    assert main("harness", ("advise", "--elements", "9", "--machine", "zen2", "--results", str(tmp_path))) == 2
    assert "there is no run with a frontier of zen2 below" in capsys.readouterr().err


def test_a_run_is_asked_for_a_length_and_an_output(make_run, tmp_path, capsys):
    make_run(tmp_path / "runs", machine="zen2", isas=("avx2",), parts=("algorithms", "controls", "frontier"))
    asked = ("advise", "--elements", "1024", "--output", "cold", "--machine", "zen2", "--results", str(tmp_path))
    assert main("harness", asked) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("zen2: AMD EPYC 9R14 96-Core Processor, gcc; quick-")
    assert told[1] == "  known"
    assert told[2] == "AVX2, cold output, 1,024 elements: use Three-Pass, reloading"


def test_runs_are_those_of_the_checkout_from_whatever_folder_it_is_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    for names, how in advise.OPTIONS:
        parser.add_argument(*names, **how)
    assert parser.parse_args(["--elements", "9"]).results == ROOT / "results"
