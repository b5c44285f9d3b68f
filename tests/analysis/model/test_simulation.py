"""What is simulated for the models, and that the recorded table is it."""

import numpy as np
import pytest

from analysis.model.cache_simulator import known_hierarchies
from analysis.model.simulation import declared, lengths, table
from analysis.model.traffic import KEYS, LOOPS, MOVED, load_traffic
from tests.conftest import SETTINGS, kernels_of


def test_the_declared_traffic_is_that_of_the_table_of_kernels():
    table = {k.name: (k.reads_x, k.reads_y, k.writes_y) for k in kernels_of("gcc", "scalar")}
    assert {name: streams for name, (streams, _) in declared().items()} == table
    assert [name for name, (_, store) in declared().items() if store == "STORE_NT"] == ["copy_nt"]


def test_every_length_that_a_protocol_measures_is_simulated():
    for machine in known_hierarchies().values():
        simulated = set(lengths(SETTINGS, machine.caches[-1].bytes))
        out_of_cache = max(16 << 20, machine.caches[-1].bytes)
        assert {1000, 3000, 4096, 21_841, 364_800_000, 300_000_000, out_of_cache} <= simulated
        # Eight to each decade.
        assert {1330, 1780, 2370, 3160, 4220, 5620, 7500, 10_000, 237_000_000} <= simulated


def test_every_known_machine_is_recorded_at_every_length():
    recorded = load_traffic().groupby("machine")["elements"].agg(set).to_dict()
    wanted = {name: set(lengths(SETTINGS, machine.caches[-1].bytes)) for name, machine in known_hierarchies().items()}
    assert recorded == wanted


@pytest.mark.parametrize(("name", "elements"), [("skylake-x", [3160, 1_000_000]), ("zen2", [100_000])])
def test_the_recorded_table_is_what_a_simulation_gives(name, elements):
    fresh = table({name: known_hierarchies()[name]}, elements).set_index(list(KEYS)).sort_index()
    recorded = load_traffic().set_index(list(KEYS)).sort_index().loc[fresh.index]
    np.testing.assert_array_equal(fresh[list(MOVED)].to_numpy(), recorded[list(MOVED)].to_numpy())
    assert len(fresh) == len(elements) * (sum(map(len, SETTINGS["algorithms"].values())) + len(LOOPS))
