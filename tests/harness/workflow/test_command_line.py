"""What Snakemake's command line sets."""

import pytest

from harness.workflow import command_line


@pytest.mark.parametrize("word", ("protocol", "=smoke", "a b=1", "results/claims.md", "5=x", "protocol= "))
def test_what_sets_nothing_ends_snakemake_with_one_line_that_blames_the_command_line(capsys, word):
    for words in (["reproduce-all", "--config", "isas=[avx2]", word, "-n"], ["-C", word], [f"--config={word}"]):
        with pytest.raises(SystemExit) as ended:
            command_line.check(words)
        assert ended.value.code == 2
        told = f"snakemake: --config {word}: is not NAME=VALUE; targets stand before --config\n"
        assert capsys.readouterr().err == told


def test_what_sets_something_and_all_else_is_let_through():
    words = ["figures", "--config", "protocol=smoke", "isas=[avx2]", "machine=", "xy=a=b", "-n", "results/claims.md"]
    command_line.check(words)
    assert list(command_line.values(words, "--config", "-C")) == words[2:6]


def test_a_file_of_settings_that_is_not_there_is_one_line(capsys, tmp_path):
    there = tmp_path / "mine.yaml"
    there.touch()
    command_line.check(["--configfile", str(there)])
    with pytest.raises(SystemExit):
        command_line.check(["figures", "--configfile", str(there), "none.yaml"])
    assert capsys.readouterr().err == (
        "snakemake: --configfile none.yaml: no such file; targets stand before --configfile\n"
    )


def test_a_sites_profile_that_nobody_named_is_one_line(capsys, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "/site/slurm")
    with pytest.raises(SystemExit):
        command_line.check(["reproduce-all", "-n"])
    assert capsys.readouterr().err == (
        "snakemake: SNAKEMAKE_PROFILE is /site/slurm, of which nothing is meant for this: --profile none, or "
        "profiles/slurm\n"
    )
    for words in (["reproduce-cluster", "--profile", "profiles/slurm"], ["figures", "--profile=none"]):
        command_line.check(words)


def test_the_jobs_of_a_cluster_are_not_held_to_the_processors_of_this_machine():
    assert command_line.cores(["reproduce-cluster", "--profile", "profiles/slurm", "-n"]) is None
    assert command_line.cores(["figures", "--profile", "none"]) == command_line.cores(["figures"]) == "all"
