"""LeNet-5 with plain spikes and with payloads: error and deviation from the ANN over time."""

import numpy as np

import snntoolbox


def run(setup):
    """Measure both codes, with and without an initial potential."""
    task, found, rows = setup.lenet5, {}, []
    steps = 10 if setup.quick else 30
    for start in (0.0, 0.5):
        for code in ("rate", "rate_payload"):
            options = {"initial_potential": start, "percentile": 99.9}
            graph = snntoolbox.convert(task.graph, task.x_norm, spike_code=code, **options)
            x, y = task.x[:200], task.y[:200]
            record = snntoolbox.simulate(graph, x, num_steps=steps, batch_size=100)
            outputs = record.output_over_time
            errors = (outputs.argmax(-1) != y).mean(axis=1)
            distance = np.abs(outputs - task.ann[:200]).mean(axis=(1, 2))
            spikes = sum(int(counts.sum()) for counts in record.spike_counts.values()) / len(x)
            key = f"{code}, initial potential {start}"
            found[key] = {"errors": errors.tolist(), "distance": distance.tolist(), "spikes": spikes}
            shown = [t for t in (4, 6, 8, 10, 15, 20, 30) if t <= steps]
            cells = (f"{100 * errors[t - 1]:.1f} / {distance[t - 1]:.4f}" for t in shown)
            rows.append((code, start, *cells, f"{spikes:,.0f}"))
            print(*rows[-1], flush=True)
    title = f"LeNet-5, 200 images (ANN {100 * task.ann_error:.2f} % of all): error % / mean deviation of the softmax"
    setup.table(title, ("Code", "V(0)", *(f"{t} steps" for t in shown), "Spikes"), rows)
    return found
