# Targets: reproduce-all (measure this machine, then draw), figures (draw from the rows on disk), build.
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from analysis import catalog
from analysis import figures as figure_list
from analysis.errors import AnalysisError
from harness import build as compilation
from harness import config as configuration
from harness.errors import HarnessError

min_version("9.0")


configfile: "config/config.yaml"


try:
    configuration.check(config)
    OVERRIDES = configuration.overrides(config)
except HarnessError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    machine="[a-z0-9-]+",
    figure="[a-z-]+",


include: "harness/rules/build.smk"
include: "harness/rules/measure.smk"
include: "analysis/rules/figures.smk"


rule:
    name:
        "reproduce-all"
    default_target: True
    input:
        rules.measure.output,
    localrule: True
    # A new start, since only now is it known which run is to be drawn.
    shell:
        "snakemake figures --quiet all && python -m analysis summary $(cat {input})"
