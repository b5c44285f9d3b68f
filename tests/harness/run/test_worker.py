"""What a process of a run asks."""

from harness.experiments.base import RISING, UNIFORM
from harness.record import configuration
from harness.run import worker
from tests.harness.machine.test_detection import ZEN2
from tests.harness.run.test_plan import made


def test_a_question_has_the_input_of_its_experiment():
    planned = made(configuration.load(), ZEN2, ["gcc"], ["avx2"])
    asked = worker.questions(planned, {("gcc", "avx2"): planned.roster}).values()
    assert {question.experiment for question in asked if question.input == RISING} == {"frontier-rising"}
    assert {question.input for question in asked} == {UNIFORM, RISING}
