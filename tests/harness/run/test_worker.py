"""What a process of a run asks, and what it knows of the machine."""

from dataclasses import replace

import pytest

from harness.experiments.base import RISING, UNIFORM
from harness.record import configuration, store
from harness.record.errors import HarnessError
from harness.run import worker
from harness.run.begun import Begun
from tests.harness.machine.test_detection import ZEN2
from tests.harness.run.test_plan import made


def test_a_question_has_the_input_of_its_experiment():
    planned = made(configuration.load(), ZEN2, ["gcc"], ["avx2"])
    asked = worker.questions(planned, {("gcc", "avx2"): planned.roster}).values()
    assert {question.experiment for question in asked if question.input == RISING} == {"frontier-rising"}
    assert {question.input for question in asked} == {UNIFORM, RISING}


def test_a_processor_that_was_taken_away_is_named():
    with pytest.raises(HarnessError, match=r"^processor 4095 can't be had \(Invalid argument\); "):
        worker.pin(4095)


def test_a_process_that_stays_on_one_processor_knows_every_last_level_cache(make_run, monkeypatch):
    folder, epyc = make_run(isas=("avx2",), parts=("algorithms",)), replace(ZEN2, llc_count=16)
    stays: list[int] = []

    class Host:
        def __init__(self, folder, compiler):
            self.folder = folder

        def processor(self):
            return ZEN2 if stays else epyc

    monkeypatch.setattr(worker, "Host", Host)
    monkeypatch.setattr(worker, "pin", stays.append)
    monkeypatch.setattr(worker, "require_current", lambda *_: None)
    monkeypatch.setattr(Begun, "rosters", lambda run: {("gcc", "avx2"): run.plan.roster})
    run = worker.begun({"folder": folder, "extensions": folder, "config": configuration.load()})
    assert run.plan.processor.llc_count == 16
    assert stays == [store.read_record(folder).memory.cpu]
