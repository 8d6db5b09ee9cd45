"""The training stage: data in, a run directory with a Keras model and its report out."""
