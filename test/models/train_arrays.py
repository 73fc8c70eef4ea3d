"""Trains on arrays with an own class, by the Python interface, and exports to the folder that is given. Prints what train gave, as JSON."""

import json
import sys
from pathlib import Path

import numpy as np

TRAINING = Path(__file__).resolve().parents[2] / "models" / "training"
sys.path.insert(0, str(TRAINING))

from dataset import load  # noqa: E402
from trainer import ModelTrainer  # noqa: E402

data = load(TRAINING / "dataset")
chosen = np.random.default_rng(1).permutation(len(data))[:6000]
X, y = data.tensors[chosen], data.label[chosen].copy()
y[X[:, -1, 2] > 5000] = 6  # whoever got much in the newest window: a class of one's own that can be learned
trainer = ModelTrainer(model_type=sys.argv[2], model_config={"hidden_size": 32, "dropout_rate": 0.4, "num_classes": 7}, epochs=6, rows_an_epoch=6000)
print(json.dumps(trainer.train(X[:4000], y[:4000], X[4000:], y[4000:])))
trainer.export(sys.argv[1])
try:
    trainer.train(X[:, :10], y, X, y)
except ValueError as error:
    print(error, file=sys.stderr)
