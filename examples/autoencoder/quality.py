"""A measure of one's own, which config.ini names: how good the images are."""

import numpy as np


def image_quality(outputs: np.ndarray, targets: np.ndarray, ann_outputs: np.ndarray | None) -> dict[str, float]:
    """Return the peak signal-to-noise ratio in dB, and the share of pixels that are black or white as they should be.

    Args:
        outputs: Images of the network, (num_samples, 8, 8, 1), 0 to 1.
        targets: Images that it should give.
        ann_outputs: Images of the network before conversion; not needed here.
    """
    error = np.mean((outputs - targets) ** 2)
    right = np.mean((outputs > 0.5) == (targets > 0.5))
    return {"PSNR (dB)": -10 * np.log10(error), "pixels right": right}
