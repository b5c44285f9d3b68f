"""What the Snakefile has done before anything else."""

import os
import subprocess
import sys
from pathlib import Path

from harness.record.files import ROOT

PREPARE = """
import getpass, os, pwd
pwd.getpwuid = {}.__getitem__
from harness.workflow.targets import prepare
prepare()
print(getpass.getuser(), os.environ["PATH"], *(name for name in os.environ if name.startswith("PYTHON")))
"""


def test_rules_get_this_interpreter_no_settings_of_others_and_a_user_of_a_bare_number(tmp_path):
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", PREPARE], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == [str(os.getuid()), f"{Path(sys.executable).parent}:/usr/bin"], done.stderr
