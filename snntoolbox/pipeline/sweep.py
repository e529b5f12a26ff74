"""A parameter sweep: the whole run for each value of one option, and a figure over all of them."""

from __future__ import annotations

from snntoolbox.analysis.results import Results
from snntoolbox.config.effective import to_ini
from snntoolbox.config.load import replace
from snntoolbox.config.settings import Settings
from snntoolbox.pipeline import run_once
from snntoolbox.pipeline.console import Console
from snntoolbox.report.material import Material, Sweep
from snntoolbox.report.run_folder import run_folder
from snntoolbox.report.write import write_run

__all__ = ["sweep"]


def sweep(settings: Settings, console: Console) -> Results:
    """Run every value into ``<run folder>/<option>=<value>``, then write the report of the sweep itself.

    The stages that a value can change are run again for it; measured activations are taken from the cache where the
    network, the samples and the options of normalisation are the same.

    Returns:
        The results of the last value.
    """
    options = settings.parameter_sweep
    name = ".".join(options.target)
    root = settings.paths.log_dir_of_current_run
    results = []
    for number, value in enumerate(options.param_values, start=1):
        console.note(f"sweep {number} of {len(options.param_values)}: {name} = {value:g}")
        exact = int(value) if float(value).is_integer() else value
        point = replace(
            settings,
            {
                name: exact,
                "paths.log_dir_of_current_run": str(root / f"{options.target[1]}={value:g}"),
                "parameter_sweep.param_values": "",
            },
        )
        results.append(run_once(point, Console(settings.output.verbose)))
    with run_folder(root / "sweep", overwrite=settings.output.overwrite) as folder:
        compared = Sweep(name, options.param_values, tuple(results), options.param_logscale)
        material = Material(results[-1], sweep=compared, config=to_ini(settings))
        write_run(folder, material, settings.output.plot_vars, settings.output.plotproperties)
    return results[-1]
