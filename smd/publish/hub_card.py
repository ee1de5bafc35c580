"""A run's model card as the Hub shows it: with what its search knows, and how to load the files."""

from collections.abc import Sequence

HEAD = """\
---
pipeline_tag: image-classification
tags:
- adversarial-robustness
- pytorch
---

"""
USE = """
## How to load it

{lines}
The network takes float32 images of {shape} with pixels in [0, 1]; normalisation is inside. What the
classes are called stands in `config.json`.
"""
CODE = {
    "safetensors": """\
`{name}` holds the weights for the network of `config.json`:

```python
from safetensors.torch import load_file

weights = load_file("{name}")
```
""",
    "pt2": """\
`{name}` is the whole network, for PyTorch alone:

```python
import torch

network = torch.export.load("{name}").module()
logits = network(images)
```
""",
    "onnx": """\
`{name}` is the whole network, for ONNX Runtime:

```python
import onnxruntime

network = onnxruntime.InferenceSession("{name}")
(logits,) = network.run(["logits"], {{"images": images}})
```
""",
}


def hub_card(card: str, names: Sequence[str], shape: Sequence[int]) -> str:
    """The card with the Hub's head, unless it has one, and a section on those files.

    names: like model.onnx; shape: of one image.
    """
    lines = "\n".join(CODE[name.rpartition(".")[2]].format(name=name) for name in names)
    sides = " x ".join(str(side) for side in shape)
    head = "" if card.startswith("---\n") else HEAD
    return f"{head}{card.rstrip()}\n{USE.format(lines=lines, shape=sides)}"
