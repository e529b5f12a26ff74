"""What is not needed is not loaded: the analysis and the tables work without matplotlib and TensorFlow."""

from __future__ import annotations

import subprocess
import sys


def test_analysis_and_tables_load_no_heavy_library() -> None:
    code = (
        "import pkgutil, sys, importlib, snntoolbox.analysis as analysis\n"
        "for module in pkgutil.iter_modules(analysis.__path__):\n"
        "    importlib.import_module(f'snntoolbox.analysis.{module.name}')\n"
        "import snntoolbox.report.tables, snntoolbox.report.logs, snntoolbox.report.run_folder\n"
        "print(sorted({'matplotlib', 'tensorflow', 'keras', 'jinja2'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
