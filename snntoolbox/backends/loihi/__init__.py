"""Loihi: a compiler to the chip's cores, and an emulator of the chip. docs/loihi.md explains both."""
