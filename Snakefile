# Targets: reproduce-all (measure this machine, then draw), figures (draw from the rows on disk), build (compile),
# peers (measure with other libraries beside ours), predict (what the model expects of the paper's machines).
from pathlib import Path

from snakemake.utils import min_version

from analysis.workflow import targets as analysis
from harness.workflow import targets as harness

min_version("9.0")
harness.prepare()


# Instead of `configfile:`, so that it is read and checked like everywhere; Snakemake would take the last of equal keys.
OVERRIDES = harness.configure(config)


wildcard_constraints:
    machine="[a-z0-9-]+",


include: "harness/workflow/build.smk"
include: "harness/workflow/measure.smk"
include: "analysis/workflow/figures.smk"
include: "analysis/workflow/predict.smk"


# On the machine itself this measures, then draws; elsewhere it draws from the machine's recorded runs.
for machine in analysis.machines():

    rule:
        name:
            f"reproduce-{machine}"
        log:
            f"results/logs/reproduce-{machine}.log",
        localrule: True
        params:
            command=lambda _, machine=machine: harness.reproduction(config, machine, BUILT),
        shell:
            "echo {params.command:q} > {log}; exec setpriv --pdeathsig KILL {params.command}"


# This machine measured with other libraries beside our algorithms, in an environment that has them.
rule:
    name:
        "peers"
    log:
        "results/logs/peers.log",
    localrule: True
    params:
        command=lambda _: harness.with_peers(config),
    shell:
        "echo {params.command:q} > {log}; exec setpriv --pdeathsig KILL {params.command}"


rule:
    name:
        "reproduce-all"
    default_target: True
    input:
        rules.measure.output,
    log:
        "results/logs/reproduce-all.log",
    localrule: True
    # The note of which run was measured is taken away, so that the next time asks the harness again; a new start, since
    # only now is it known which run is to be drawn.
    shell:
        "run=$(cat {input}); rm {input};"
        " snakemake figures --quiet rules progress reason host > {log} 2>&1 || {{ cat {log} >&2; exit 1; }};"
        ' python -m analysis summary "$run"'
