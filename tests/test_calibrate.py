"""What the confidence is worth: temperature and threshold, and that they end up in the weights."""

from typing import Literal

import numpy as np
import pytest

from train import calibrate
from train.config import TrainConfig
from train.evaluate import expected_calibration_error


def test_the_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (20_000, 10)).astype(np.float32)
    probabilities = calibrate.calibrated(true_logits, 1.0)
    labels = (probabilities.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1).astype(np.uint8)
    boasting = 2.5 * true_logits
    found = calibrate.temperature(boasting, labels)
    assert found == pytest.approx(2.5, rel=0.03)
    before, after = (
        expected_calibration_error(calibrate.calibrated(boasting, t), labels) for t in (1.0, found)
    )
    assert after < 0.02 < before


def test_the_threshold_keeps_the_share_it_was_asked_to() -> None:
    confidence = np.linspace(0.2, 1.0, 1000, dtype=np.float32)
    probabilities = np.column_stack([confidence, np.zeros((1000, 9), np.float32)])
    threshold = calibrate.threshold(probabilities, 0.9)
    assert threshold == 0.28, "rounded down, so that none of the share is lost"
    assert (confidence >= threshold).mean() == pytest.approx(0.9, abs=0.01)


def test_a_few_digits_tell_neither_temperature_nor_threshold() -> None:
    """All of them right and sure, as a small validation part of easy digits is."""
    labels = (np.arange(calibrate.FEW) % 10).astype(np.uint8)
    sure = 30 * np.eye(10, dtype=np.float32)[labels]
    few = slice(calibrate.FEW - 1)
    assert calibrate.temperature(sure[few], labels[few]) == 1.0
    assert calibrate.threshold(calibrate.calibrated(sure[few], 1.0), 0.97) == calibrate.UNTOLD
    assert calibrate.threshold(calibrate.calibrated(sure, 1.0), 0.97) == calibrate.HIGHEST


@pytest.mark.parametrize(
    ("family", "hidden"), [("ann", (128, 32)), ("cnn", (6, 8, 8, 12))], ids=["ann", "cnn"]
)
def test_batch_norm_and_temperature_are_folded_into_the_weights(
    family: Literal["ann", "cnn"], hidden: tuple[int, ...]
) -> None:
    import keras

    from train.networks import build, fold

    config = TrainConfig("tried", family=family, hidden=hidden, batch_norm=True)
    model = build(config)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.4, 1.6, value.shape) for value in layer.get_weights()])
    cells = rng.integers(0, 256, (50, 28, 28), np.uint8)
    released = fold(model, config, 1.7)
    expected = calibrate.calibrated(np.asarray(model.predict(cells, verbose=0)), 1.7)
    np.testing.assert_allclose(released.predict(cells, verbose=0), expected, atol=2e-6)
    assert not any(isinstance(x, keras.layers.BatchNormalization) for x in released.layers)


def test_the_released_families_have_the_size_they_promise() -> None:
    import keras

    from train.config import RECIPES
    from train.networks import build, fold

    ann, cnn = (fold(build(RECIPES[name]), RECIPES[name], 1.0) for name in ("ann", "cnn"))
    dense = [layer for layer in ann.layers if layer.weights]
    assert [type(layer) for layer in dense] == [keras.layers.Dense] * 3
    assert [layer.kernel.shape for layer in dense] == [(784, 128), (128, 32), (32, 10)]
    assert cnn.count_params() <= 50_000
