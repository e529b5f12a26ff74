"""Fine-tune LeNet-5 with clamped rectifiers, for the spike code ``ttfs_clamped``; writes ``lenet5_clamped.keras``.

    python finetune.py --data mnist_train_60k.npz

The network learns, without labels, what it answered before.
"""

import argparse
from pathlib import Path

import keras
from data import load

from snntoolbox.training.clamped_relu import finetune_clamped

HERE = Path(__file__).parent


def main() -> None:
    """Fine-tune and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="npz file with x and y; downloaded if not given")
    parser.add_argument("--samples", type=int, default=50000, help="images to train with")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.2, help="of the largest activation, up to which all is 0")
    options = parser.parse_args()

    (x, _), (x_test, y_test) = load(options.data)
    model = keras.models.load_model(HERE / "lenet5.keras")
    clamped = finetune_clamped(model, x[: options.samples], share=options.share, epochs=options.epochs)
    right = clamped.predict(x_test, batch_size=500, verbose=0).argmax(axis=1) == y_test
    print(f"held out {right.mean():.4f}")
    clamped.save(HERE / "lenet5_clamped.keras")


if __name__ == "__main__":
    main()
