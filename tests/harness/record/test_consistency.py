"""What run.json says in one place holds in every other; what it cannot say is refused where it is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import figures
from harness.reading.evidence import Evidence
from harness.record.errors import DamagedRun
from harness.record.parsing import parse
from harness.record.run import content_of, record_of
from harness.record.samples import Run, load_run
from harness.record.store import read_record
from tests.synthetic import write_content

MakeRun = Callable[..., Path]
Information = dict[str, Any]


@pytest.fixture(scope="module")
def folder(make_module_run: MakeRun) -> Path:
    return make_module_run(isas=("avx2",), lengths=(4096, 1 << 24), processes=2, rounds=2)


@pytest.fixture
def information(folder: Path) -> Information:
    return content_of(read_record(folder))


def with_precision(run: Information, **fields: Any) -> None:
    run["protocol"]["half_width_percent"] = 2
    known = {"target_half_width_percent": 2, "stopped_by": "minutes", "questions": 9, "missed": {}}
    run["precision"] = known | fields


CHANGES: dict[str, Callable[[Information], Any]] = {
    "run: .* does not follow": lambda i: i["protocol"].update(name="paper"),
    "ended: the run ended before it started": lambda i: i.update(started="2027-01-01T00:00:00+00:00"),
    r"algorithms.two-pass: 'max2' is not in kernels": lambda i: i["algorithms"]["two-pass"].append("max2"),
    r"controls.*: 'x' is not in algorithms": lambda i: i["controls"]["two-pass-again"].update(algorithm="x"),
    "no null test": lambda i: [its.update(extra_percent=1) for its in i["controls"].values()],
    "extra_percent: 200 is greater than the maximum": lambda i: i["controls"]["two-pass-again"].update(
        extra_percent=200
    ),
    "controls.numpy: another contender|peers.libraries.numpy: another": lambda i: i["controls"].update(
        numpy=i["controls"]["two-pass-again"]
    ),
    r"accuracy.3..algorithm: 'one-pass' is not in": lambda i: i["accuracy"][3].update(algorithm="one-pass"),
    r"domain.0..algorithm: 'numpy' is not in this run": lambda i: i["domain"][0].update(algorithm="numpy"),
    "started: '0001-01-01.*' is not a 'date-time'": lambda i: i.update(started="0001-01-01T00:00:00+14:00"),
    r"accuracy.3..isa: 'scalar' is not in": lambda i: i["accuracy"][3].update(isa="scalar"),
    r"accuracy.0..isa: 'avx1024' is not one of": lambda i: i["accuracy"][0].update(isa="avx1024"),
    "a library, and only that": lambda i: i["accuracy"][0].update(accumulation="library"),
    "accuracy: no row of avx2": lambda i: i["accuracy"].pop(3),
    r"accuracy.1.: .* stands there twice": lambda i: i["accuracy"].insert(0, i["accuracy"][0]),
    "elements: 7 is not in accuracy_elements": lambda i: i["accuracy"][0].update(elements=7),
    r"counts: .. .* too short|counts: .. should be non-empty": lambda i: i["exp"][0].update(counts=[]),
    "counts: are not of every float32": lambda i: i["exp"][0].update(stride=2),
    "counts: the last that is not 0": lambda i: i["exp"][0].update(largest_ulps=7.5),
    "primary_compiler: 'icc' is not in compilers": lambda i: i.update(primary_compiler="icc"),
    "kernels.max.twin_of: 'mux' is not in kernels": lambda i: i["kernels"]["max"].update(twin_of="mux"),
    "nanoseconds_low: 0 is less than or equal": lambda i: i["tuning"][0].update(nanoseconds_low=0),
    r"tuning.1..nanoseconds_median: is not within": lambda i: i["tuning"][1].update(nanoseconds_low=1e6),
    r"tuning.3..relative_percent_median: is not within": lambda i: i["tuning"][3].update(relative_percent_high=-50),
    r"tuning.0..relative_percent_median: is not 0": lambda i: i["tuning"][0].update(relative_percent_high=1),
    r"tuning.0..chosen_by: the chosen variant has it": lambda i: i["tuning"][0].pop("chosen_by"),
    "tuning: 0 variants of gcc avx2 ext_sum are chosen": lambda i: [
        its.update(chosen=False) or its.pop("chosen_by") for its in i["tuning"][:3]
    ],
    "tuning: several variants of gcc avx2 ext_sum": lambda i: i["tuning"][1].update(variant="u1k1"),
    "tuning: no variant of gcc avx2 ext_sum is a finalist": lambda i: [
        its.update(finalist=False) for its in i["tuning"][:6]
    ],
    "tuning: finalists of gcc avx2 ext_sum have rows at different": lambda i: i["tuning"].pop(1),
    "tuning: a variant of gcc avx2 ext_sum has no row over all": lambda i: (
        [its.update(finalist=False) for its in i["tuning"][3:6]] and i["tuning"].pop(3)
    ),
    r"tuning.0..compiler: 'icc' is not in": lambda i: i["tuning"][0].update(compiler="icc"),
    r"tuning.0..pass: 'teleport' is not in": lambda i: i["tuning"][0].update({"pass": "teleport"}),
    r"domain.0..algorithm: 'x' is not in": lambda i: i["domain"][0].update(algorithm="x"),
    "protocol.experiments: 'all' is not of type": lambda i: i["protocol"].update(experiments="all"),
    "protocol.processes: 'many' is not of type": lambda i: i["protocol"].update(processes="many"),
    "protocol.processes: least is above": lambda i: i["protocol"].update(processes={"least": 9, "most": 8}),
    "experiments.passes: is not in protocol.experiments": lambda i: i["protocol"]["experiments"].pop("passes"),
    "tuning: is empty": lambda i: i.update(tuning=[]),
    "memory.cpu: 7 is not in threads.cpus": lambda i: i["memory"].update(cpu=7),
    "machine.allowed: 1 is not in it": lambda i: i["machine"].update(allowed=[0]),
    "kernels.load: neither reads nor writes": lambda i: i["kernels"]["load"].update(reads_x=0),
    "threads: more than the 1 processors": lambda i: i["threads"].update(cpus=[1]),
    "vetoes.disturbed_samples: more than": lambda i: i["vetoes"].update(disturbed_samples=10**6),
    "missed: 'passes gcc avx2 5' is no question": lambda i: with_precision(i, missed={"passes gcc avx2 5": 2.5}),
    "precision.missed: more than": lambda i: with_precision(i, questions=0, missed={"passes gcc avx2 4096": 2.5}),
    "is not protocol.half_width_percent": lambda i: with_precision(i, target_half_width_percent=1),
    "machine.caches.1.: 1 stands there twice": lambda i: i["machine"]["caches"].insert(0, i["machine"]["caches"][0]),
}


@pytest.mark.parametrize("words", CHANGES)
def test_what_contradicts_another_part_is_refused_by_field(
    information: Information, tmp_path: Path, words: str
) -> None:
    CHANGES[words](information)
    write_content(tmp_path, information)
    with pytest.raises(DamagedRun, match=rf"/\w+\.(?:json|csv), .*(?:{words})") as refused:
        read_record(tmp_path)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"a": 1, "a": 1}', "the key 'a' stands twice in one object"),
        ('{"a": {"b": [{"c": 1, "c": 2}]}}', "the key 'c' stands twice"),
        ('{"brand": "\\u001b[2J"}', "holds a character that cannot be shown"),
        ('{"brand": "\\ud800"}', "holds a character that cannot be shown"),
        ('{"\\u202egnp": 1}', "holds a character that cannot be shown"),
        ('{"a": NaN}', "NaN is not a number that a run holds"),
        ('{"a": 1e400}', "is not a number that a run holds"),
        ('{"a": 1' + "0" * 400 + "}", "has more than 18 digits"),
        ("[" * 100_000, "not sound JSON"),
        ("[]", "not a JSON object"),
    ],
)
def test_json_that_no_run_holds_is_refused(content: str, reason: str) -> None:
    with pytest.raises(DamagedRun, match=r"run\.json") as refused:
        parse(content.encode(), "run.json")
    assert reason in str(refused.value) and str(refused.value).isprintable()


def test_text_that_matplotlib_takes_for_mathematics_is_drawn_as_it_is(folder: Path, information: Information) -> None:
    odd = r"$\frac{$ & <b>|x| 5 $ \alpha$"
    information["machine"]["brand"] = odd
    for library in information["peers"]["libraries"].values():
        library |= {"title": odd[:20], "version": odd}
    for row in information["accuracy"]:
        row["distribution"] = odd + row["distribution"]
    run = Run.of(record_of(information), folder, load_run(folder).samples)
    for name in ("speedup", "peers", "accuracy"):
        of = Evidence.of([run]) if name == "speedup" else run
        figure = figures.load(name).draw(of)
        figure.draw_without_rendering()
        assert any(odd.replace("$", r"\$") in text.get_text() for text in figure.texts)
