"""Train one of the networks of this example on CIFAR-10 and save it as ``<name>.keras`` beside this file.

    python train.py resnet20 --epochs 30 --data cifar10.npz

A minute or two an epoch on two cores. The state after every epoch is saved, so an interrupted training leaves the best
network so far; the learning rate follows one cosine over all epochs.
"""

import argparse
from pathlib import Path

import keras
import tensorflow as tf
from data import load
from networks import NETWORKS

BATCH = 128


def augment(image, label):
    """Flip at random, and cut a random window out of the image padded by four pixels."""
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_crop(tf.pad(image, [[4, 4], [4, 4], [0, 0]]), [32, 32, 3])
    return image, label


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate at the start")
    parser.add_argument("--data", type=Path, help=".npz file; downloaded by Keras if not given")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    (x, y), held_out = load(options.data)
    images = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0)
    images = images.map(augment, tf.data.AUTOTUNE).batch(BATCH, drop_remainder=True).prefetch(2)

    model = NETWORKS[options.network]()
    steps = options.epochs * (len(x) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=options.rate, warmup_steps=len(x) // BATCH)
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    path = options.output / f"{options.network}.keras"
    keep = keras.callbacks.ModelCheckpoint(path, monitor="val_accuracy", save_best_only=True)
    model.fit(images, validation_data=held_out, epochs=options.epochs, callbacks=[keep], verbose=2)
    best = keras.models.load_model(path)
    best.compile(metrics=["accuracy"])  # without the optimiser's state, the file is a third of the size
    accuracy = best.evaluate(*held_out, verbose=0, return_dict=True)["accuracy"]
    best.save(path)
    print(f"{path}: accuracy {accuracy:.4f} on {len(held_out[1])} held-out images")


if __name__ == "__main__":
    main()
